{% set kind = {"tumbling": "windows", "sliding": "windows"}.get(cookiecutter.window, cookiecutter.window) %}
{% include "expected/" ~ kind ~ ".py" %}
{% if (cookiecutter | stream_plan).lookup %}
{% include "expected/labels.py" %}
{% endif %}
