{% set own = (cookiecutter | stream_plan).platform.session == "own" %}
{% include "platform/" ~ ("" if own else "databricks/") ~ "main.py" %}
