{% include "join/module.py" %}
