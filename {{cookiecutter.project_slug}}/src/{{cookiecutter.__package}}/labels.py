{% include "join/labels.py" %}
