{% include "join/partners.py" %}
