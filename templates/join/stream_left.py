{% set how = "left" %}
{% include "join/streams.py" %}
