{% include "join/" ~ cookiecutter.join ~ "/module.py" %}
