{% include "state/visits.py" %}
