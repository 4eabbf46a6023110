{% include "join/test.py" %}
