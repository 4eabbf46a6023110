{% include "tests/source/" ~ cookiecutter.source ~ ".py" %}
