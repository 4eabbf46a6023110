{% include "sink/" ~ cookiecutter.sink ~ "/test.py" %}
