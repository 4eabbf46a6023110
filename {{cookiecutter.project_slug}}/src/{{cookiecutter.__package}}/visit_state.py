{% include "state/custom.py" %}
