{% include "state/deduplicate.py" %}
