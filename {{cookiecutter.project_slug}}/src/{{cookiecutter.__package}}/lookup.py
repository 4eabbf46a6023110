{% include "join/static_lookup/module.py" %}
