{% include "sink/" ~ cookiecutter.sink ~ "/target.py" %}
