{% set job = cookiecutter | stream_plan %}
{% set kind = {"auto_loader": "files"}.get(cookiecutter.source, cookiecutter.source) %}
{% if job.right %}
{% include "dev/both.py" %}
{% else %}
{% include "dev/source/" ~ kind ~ ".py" %}
{% endif %}
