{% include "source/" ~ cookiecutter.source ~ "/test.py" %}
