{% include "join/static_lookup/labels.py" %}
