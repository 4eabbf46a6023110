# Each target does all set-up by itself; what is done is not done again.
PYTHON ?= python3
RUN := .venv/bin/python
# Groups of tests side by side (tests/conftest.py), and at the end what took longest.
TWO := --numprocesses 2 --dist loadgroup --no-loadscope-reorder --durations 15
PROJECT := {{cookiecutter.project_slug}}
PREFLIGHT := "$(PYTHON)" "$(PROJECT)/dev/preflight.py"
DEMO := build/clickstream-metrics
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all test-rules check format state examples docs clean needs-python needs-java

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F '|' '{ printf "%-18s%s\n", $$1, $$2 }'

demo: needs-java .venv/.cookiecutter ## generate the default project and run its demo: build/demo/report.html
	@mkdir -p build
	@$(RUN) -m tests.demo build > build/bake.log
	@rm -f build/demo && ln -s clickstream-metrics/build/demo build/demo
	@$(MAKE) --no-print-directory -C $(DEMO) demo

test: needs-java .venv/.installed ## all tests: rules, rendering, refusals, and a generated project's own
	@$(RUN) -m pytest $(TWO) -m "not long"

test-all: needs-java .venv/.installed ## hours: all tests, and every job shape run for real, with a report
	@$(RUN) -m pytest $(TWO)
	@$(RUN) -m tests.runs
	@$(RUN) -m tests.flat

test-rules: .venv/.installed ## the quick ones: all but those that start Spark
	@$(RUN) -m pytest -m "not life and not spark"

check: .venv/.installed ## format, lint, types
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy

format: .venv/.installed ## format, and mend what can be mended by itself
	@$(RUN) -m ruff format .
	@$(RUN) -m ruff check --fix .

state: needs-java .venv/.installed ## minutes: run each kind of state for long, and draw what it holds: docs/state.svg
	@$(RUN) -m tests.flat

examples: .venv/.installed ## generate examples/ anew
	@$(RUN) -m tests.examples

docs: .venv/.installed ## generate docs/choices.md anew
	@$(RUN) -m stream_template_rules.docs

clean: ## remove build/, with the demo's project in it, and what tests left behind; .venv stays
	@rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis

needs-python:
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=..." >&2; exit 5; }
	@$(PREFLIGHT) python

needs-java: needs-python
	@$(PREFLIGHT) java

# The demo needs cookiecutter, everything else the rest.
.venv/.cookiecutter: pyproject.toml | needs-python
	@"$(PYTHON)" "$(PROJECT)/dev/install.py" demo
	@touch $@

.venv/.installed: pyproject.toml | needs-python
	@"$(PYTHON)" "$(PROJECT)/dev/install.py" demo dev
	@touch .venv/.cookiecutter $@
