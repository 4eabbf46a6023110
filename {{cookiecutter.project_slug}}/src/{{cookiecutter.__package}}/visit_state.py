{% include "state/custom/module.py" %}
