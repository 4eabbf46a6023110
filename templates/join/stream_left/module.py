{% set how = "left" %}
{% include "join/module.py" %}
