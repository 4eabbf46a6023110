{% set how = "inner" %}
{% include "join/streams.py" %}
