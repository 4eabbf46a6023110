"""The PySpark Structured Streaming job {{ cookiecutter.project_slug }}."""
