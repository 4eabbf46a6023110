"""{{ cookiecutter.project_name }}: a PySpark Structured Streaming job."""
