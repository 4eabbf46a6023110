{% set kind = {"auto_loader": "files"}.get(cookiecutter.source, cookiecutter.source) %}
{% include "source/" ~ kind ~ "/feed.py" %}
