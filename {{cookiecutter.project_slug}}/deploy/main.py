{% set job = cookiecutter | stream_plan %}
{% include "platform/" ~ job.platform.family ~ "/main.py" %}
