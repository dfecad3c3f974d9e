# Everything runs in a virtual environment of its own. Nothing needs root, Redis or Docker.
# Needed: git, make and Python 3.11 or newer. To choose the Python: make PYTHON=... test

# Most wheels of the embedded Redis are for 3.11 and 3.12, so these come first.
PYTHONS := python3.12 python3.11 python3 python3.13 python3.14
PYTHON  ?= $(shell for p in $(PYTHONS); do $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV    ?= .venv
BIN     := $(VENV)/bin
# What setup installs. With dev,docs it brings the packages of the site too.
EXTRAS  ?= dev

# Tests and checks start hundreds of processes. Each would compile our source anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup lock strings licences docs demo test coverage faults-net chaos bench lint types imports check clean
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "smsjobs needs Python 3.11 or newer; none of these is: $(PYTHONS). Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "smsjobs needs Python 3.11 or newer, and this is " + sys.version)'
	@echo "Making the virtual environment $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Python has no venv here; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.ready: pyproject.toml requirements/dev.lock | $(VENV)/.made
	@# A failed download is tried again. pip keeps what has already arrived.
	@for try in 1 2 3; do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --constraint requirements/dev.lock --editable '.[$(EXTRAS)]' && exit 0; \
		echo "pip failed (try $$try of 3)" >&2; sleep $$((try * 3)); \
	done; exit 1
	@touch $@ $(if $(findstring docs,$(EXTRAS)),$(VENV)/.docs-ready)

setup: $(VENV)/.ready  ## make the virtual environment and install everything

lock: | $(VENV)/.made  ## choose anew what setup installs: the newest versions that pyproject.toml allows
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 uv
	@# Without uv's header, which quotes this command. uv does not read pip's settings, so it gets pip's index here.
	@lock=requirements/dev.lock; index=$$($(BIN)/python -m pip config get global.index-url 2>/dev/null); \
	{ sed '/^[^#]/,$$d' $$lock && $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--no-header $${index:+--default-index "$$index"} --extra dev --extra docs pyproject.toml; \
	} >$$lock.new && mv $$lock.new $$lock || { rm -f $$lock.new; exit 1; }
	@echo "requirements/dev.lock is new; make setup installs it."

strings: $(VENV)/.ready  ## find what pages, the shell, the simulator and tables of the docs say, and put its translations into place
	@PYTHONPATH=tests $(BIN)/python -m support.strings

licences: $(VENV)/.ready  ## the licence of everything that is installed
	@$(BIN)/python .ci/licences.py

$(VENV)/.docs-ready: $(VENV)/.ready
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --retries 5 --constraint requirements/dev.lock --editable '.[docs]'
	@touch $@

docs: $(VENV)/.docs-ready  ## the documentation as a site, in site/; every link and anchor is checked
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

demo: $(VENV)/.ready  ## a first success, with no account and nothing installed
	@$(BIN)/smsjobs demo

test: $(VENV)/.ready  ## every test but the long chaos run; make test ARGS="-k embedded"
	@$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

coverage: $(VENV)/.ready  ## how much of the code the unit and integration tests run
	@$(BIN)/python -m pytest --cov --cov-report=term tests/unit tests/integration $(ARGS)

faults-net: $(VENV)/.ready  ## split brain and fail-overs with real servers and networks; some need root
	@SMS_FAULTS_NET=1 $(BIN)/python -m pytest -rs -s tests/faults/net $(ARGS)

chaos: $(VENV)/.ready  ## the long random run; make chaos ARGS="--seconds 600 --seed 7"
	@PYTHONPATH=tests $(BIN)/python -m faults.chaos $(ARGS)

bench: $(VENV)/.ready  ## smsjobs beside plain Celery and other queues, in 15 minutes; make bench ARGS=--quick
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

lint: $(VENV)/.ready  ## ruff, rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready  ## mypy, strict
	$(BIN)/mypy

imports: $(VENV)/.ready  ## who may import whom
	$(BIN)/lint-imports

check: lint types imports test  ## all of the above

clean:  ## remove what the targets above made
	rm -rf $(VENV) build dist site .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
