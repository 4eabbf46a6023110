{% include "source/" ~ cookiecutter.source ~ "/feed.py" %}
