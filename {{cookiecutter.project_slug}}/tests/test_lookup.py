{% include "join/static_lookup/test.py" %}
