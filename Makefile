# Everything runs in a virtual environment of its own; nothing needs root.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: help setup demo test lint types imports clean
help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

setup: $(VENV)/.ready  ## make the virtual environment and install everything

demo: $(VENV)/.ready  ## a first success, with no account and nothing installed
	@$(BIN)/smsjobs demo

test: $(VENV)/.ready  ## every test but the long chaos run
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.ready  ## ruff, rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.ready  ## who may import whom
	$(BIN)/lint-imports

clean:  ## remove what the targets above made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
