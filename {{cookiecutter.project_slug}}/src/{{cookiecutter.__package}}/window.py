{% include "window/module.py" %}
