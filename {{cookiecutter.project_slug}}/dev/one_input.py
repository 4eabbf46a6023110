{% set kind = {"auto_loader": "files"}.get(cookiecutter.source, cookiecutter.source) %}
{% include "dev/source/" ~ kind ~ ".py" %}
