{% set job = cookiecutter | stream_plan %}
{% if job.right %}
{% include "source/feed.both.py" %}
{% else %}
{% include "source/" ~ cookiecutter.source ~ "/feed.py" %}
{% endif %}
