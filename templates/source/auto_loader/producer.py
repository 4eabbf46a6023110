{% include "source/files/producer.py" %}
