{% include "state/custom/visits.py" %}
