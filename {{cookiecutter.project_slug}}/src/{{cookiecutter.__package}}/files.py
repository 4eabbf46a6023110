{% include "source/files.py" %}
