{% include "sink/delta/target.py" %}
