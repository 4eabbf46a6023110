{% include "tests/sink/" ~ cookiecutter.sink ~ ".py" %}
