{% include "dev/sink/" ~ cookiecutter.sink ~ ".py" %}
