{% include "source/" ~ cookiecutter.source ~ "/producer.py" %}
