{% include "state/deduplicate/module.py" %}
