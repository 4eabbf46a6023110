{% include "platform/spark_submit/main.py" %}
