# Each target does its own set-up, once.
PYTHON ?= python3
RUN := .venv/bin/python
# The programs in tests/ need the packages; pytest finds them by itself (pyproject.toml).
SCRIPT := PYTHONPATH=packages/stream-runtime/src:packages/stream-devkit/src $(RUN) -m tests
# Three processes share the tests (conftest.py): those that start servers wait a lot.
SIDE_BY_SIDE := --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 15
DEVKIT := packages/stream-devkit/src/stream_devkit
PREFLIGHT := PYTHONPATH=packages/stream-runtime/src "$(PYTHON)" $(DEVKIT)/preflight.py
INSTALL := PYTHONPATH=packages/stream-devkit/src "$(PYTHON)" -m stream_devkit.install
DEMO := build/clickstream-metrics
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test test-all test-rules runs chaos chaos-long bench check format state examples docs lock wheels clean needs-python needs-java

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | awk -F '|' '{ printf "%-18s%s\n", $$1, $$2 }'

demo: needs-java .venv/.cookiecutter ## generate the default project and run its demo: build/demo/report.html
	@mkdir -p build
	@$(RUN) -m tests.demo build > build/bake.log
	@rm -f build/demo && ln -s clickstream-metrics/build/demo build/demo
	@$(MAKE) --no-print-directory -C $(DEMO) demo

test: needs-java .venv/.installed ## run all tests: rules, rendering, refusals, and those of a generated project
	@$(RUN) -m pytest $(SIDE_BY_SIDE) -m "not long"

test-all: needs-java .venv/.installed ## run all tests and every job variant, with a report (hours)
	@$(RUN) -m pytest $(SIDE_BY_SIDE)
	@$(SCRIPT).runs $(WITH)
	@$(SCRIPT).flat

chaos: needs-java .venv/.installed ## let the jobs of generated projects fail, and compare their results (minutes)
	@$(RUN) -m pytest tests/test_chaos.py

chaos-long: needs-java .venv/.installed ## 100 failures for each sink and kind of state: proof/faults.md (hours)
	@$(SCRIPT).chaos $(WITH)

runs: needs-java .venv/.installed ## run the job variants whose code has changed, or some: make runs WITH="sink=jdbc"
	@$(SCRIPT).runs $(WITH)

bench: needs-java .venv/.installed ## measure the speed of generated jobs: docs/speed.md (half an hour)
	@$(SCRIPT).bench $(WITH)

test-rules: .venv/.installed ## run the quick tests: all that do not start Spark
	@$(RUN) -m pytest -m "not life and not spark"

# Fragments without Jinja are checked here, all others in each generated project.
PLAIN = $(shell grep -rL '{[{%]' templates --include='*.py')

check: .venv/.installed ## check format, lint and types
	@$(RUN) -m ruff format --check . $(PLAIN)
	@$(RUN) -m ruff check . $(PLAIN)
	@$(RUN) -m mypy

format: .venv/.installed ## format, and apply automatic fixes
	@$(RUN) -m ruff format . $(PLAIN)
	@$(RUN) -m ruff check --fix . $(PLAIN)

state: needs-java .venv/.installed ## run each kind of state for long, and draw its size: docs/state.svg (minutes)
	@$(SCRIPT).flat

examples: .venv/.installed ## generate examples/
	@$(RUN) -m tests.examples

docs: .venv/.installed ## generate docs/choices.md, proof/errors.md and proof/agent/coverage.md
	@$(RUN) -m stream_template_rules.docs
	@$(SCRIPT).errors
	@$(SCRIPT).agent_coverage

lock: needs-java .venv/.installed ## lock the jars again, after a change of JARS or SPARKS in pins.py
	@$(SCRIPT).lock_jars

wheels: needs-python ## build both packages for an index of your own: dist/*.whl
	@"$(PYTHON)" -m pip wheel --quiet --no-deps --wheel-dir dist packages/stream-runtime packages/stream-devkit

clean: ## remove build/ and dist/, with the demo's project, and the output of tests; keep .venv
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

needs-python:
	@command -v "$(PYTHON)" > /dev/null || { echo "There is no $(PYTHON): install Python 3.11 or newer, or name one: make PYTHON=..." >&2; exit 5; }
	@$(PREFLIGHT) python

needs-java: needs-python
	@$(PREFLIGHT) java

# The demo needs only cookiecutter; everything else needs the rest.
.venv/.cookiecutter: pyproject.toml | needs-python
	@$(INSTALL) demo
	@touch $@

.venv/.installed: pyproject.toml | needs-python
	@$(INSTALL) demo dev
	@touch .venv/.cookiecutter $@
