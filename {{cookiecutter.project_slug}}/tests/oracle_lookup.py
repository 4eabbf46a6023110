{% include "join/static_lookup/oracle_lookup.py" %}
