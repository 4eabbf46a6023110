{% include "expected/" ~ cookiecutter.window ~ ".py" %}
