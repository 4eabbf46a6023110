{% include "join/static_lookup.py" %}
