"""The second check: cookiecutter refuses while it renders this line, before the first file.

{{ cookiecutter | stream_check(final=true) }}
"""
