{% include "join/oracle_join.py" %}
