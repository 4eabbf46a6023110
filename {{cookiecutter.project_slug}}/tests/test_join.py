{% include "tests/join/streams.py" %}
