{% set own = (cookiecutter | stream_plan).platform.session == "own" %}
{% include "platform/" ~ ("own" if own else "databricks") ~ ".main.py" %}
