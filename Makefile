# Everything happens in a virtual environment in .venv/, made on first use and again when requirements.lock changes.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
IN_VENV := . .venv/bin/activate &&
# A virtual environment holds its own path: one that came along with a moved or copied project is made anew.
MOVED := $(shell test -e .venv/bin/activate && ! grep -qF '$(CURDIR)/.venv' .venv/bin/activate && echo moved)

.PHONY: help run test coverage gui ui lock clean moved
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

run: .venv/installed ## Run what has changed of the pipeline: MNIST to models/mnist.h5
	@$(IN_VENV) python -m pipeline

test: .venv/installed ## Run every check: ruff, mypy, import contracts, pytest
	@$(IN_VENV) ruff check && ruff format --check && mypy && lint-imports --no-logo
	@# Three processes, for many tests wait for others; whole files, for the tests of a file share what they have made.
	@$(IN_VENV) pytest -n 3 --dist loadfile --no-loadscope-reorder

coverage: .venv/installed ## Measure how much of the code the quick tests run: they take a minute or two
	@# Not a part of `make test`, which took half as long again on Python 3.11: there a library's code is slowed down too.
	@$(IN_VENV) pytest -n 2 --dist loadfile -m "not slow" --cov --cov-report=
	@$(IN_VENV) echo "The quick tests run $$(coverage report --format=total) % of the lines of pipeline/ and gui/."

gui: .venv/installed ## Open the window and draw a digit
	@$(IN_VENV) python -m gui

ui: .venv/installed ## Compare the project's runs in the MLflow UI, in the browser
	@$(IN_VENV) python -m pipeline.ui

lock: .venv/installed ## Choose the versions in requirements.lock anew, from pyproject.toml
	@$(IN_VENV) uv pip compile pyproject.toml --extra development --universal --upgrade --generate-hashes --quiet \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --output-file requirements.lock

clean: ## Remove the virtual environment
	rm -rf .venv

.venv/installed: requirements.lock pyproject.toml $(MOVED)
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed and was not found. Install one, or: make PYTHON=..."; exit 1; }
	@echo "Installing into .venv/ with $(PYTHON); this takes a few minutes, once."
	@$(PYTHON) -m venv $(if $(MOVED),--clear) .venv || { echo "Remedy on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(IN_VENV) pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(IN_VENV) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
