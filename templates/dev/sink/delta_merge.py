{% include "dev/sink/delta.py" %}
