{% set how = "inner" %}
{% include "join/module.py" %}
