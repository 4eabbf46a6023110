"""The entry point for spark-submit, which runs a file, not a module."""

import runpy

PACKAGE = "{{ cookiecutter.__package }}"

if __name__ == "__main__":
    runpy.run_module(PACKAGE, run_name="__main__", alter_sys=True)
