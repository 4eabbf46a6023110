{% set job = cookiecutter | stream_plan %}
{% if job.right %}
{% include "source/producer.both.py" %}
{% else %}
{% include "source/" ~ cookiecutter.source ~ "/producer.py" %}
{% endif %}
