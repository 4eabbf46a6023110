{% include "source/files/module.py" %}
