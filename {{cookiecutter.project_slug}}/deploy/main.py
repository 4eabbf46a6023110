"""`python -m {{ cookiecutter.__package }}` for spark-submit, which takes a file and no module."""

import runpy

if __name__ == "__main__":
    runpy.run_module("{{ cookiecutter.__package }}", run_name="__main__", alter_sys=True)
