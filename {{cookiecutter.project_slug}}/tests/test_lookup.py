{% include "tests/join/static_lookup.py" %}
