{% include "state/custom/test.py" %}
