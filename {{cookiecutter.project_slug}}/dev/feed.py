{% set job = cookiecutter | stream_plan %}
{% set kind = {"auto_loader": "files"}.get(cookiecutter.source, cookiecutter.source) %}
{% if job.right %}
{% include "source/feed.both.py" %}
{% else %}
{% include "source/" ~ kind ~ "/feed.py" %}
{% endif %}
