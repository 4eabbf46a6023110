{% include "join/" ~ cookiecutter.join ~ ".py" %}
