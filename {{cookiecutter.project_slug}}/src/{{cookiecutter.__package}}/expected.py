{% set kind = {"tumbling": "windows", "sliding": "windows"}.get(cookiecutter.window, cookiecutter.window) %}
{% include "expected/" ~ kind ~ ".py" %}
