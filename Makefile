# `make run` and `make test` are the two commands a fresh machine needs; each sets up `.venv` first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SETWIRE_SHARED ?= ../shared
export SETWIRE_SHARED
PIP := $(BIN)/python -m pip --disable-pip-version-check
CODE := core config store crawler notifier scheduler web bench tests

.DEFAULT_GOAL := help
.PHONY: help run demo test check format lint types contracts bench quality chaos tell lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.run: requirements/base.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "setwire needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements/base.txt
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(PIP) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

run: $(VENV)/.run ## start the service on 127.0.0.1:8080
	$(BIN)/setwire run

demo: $(VENV)/.run ## the whole line on invented publishers, no network needed
	$(BIN)/setwire demo

test: $(VENV)/.dev ## the test suite
	$(BIN)/python -m pytest

check: format lint types contracts test ## all that CI runs

format: $(VENV)/.dev
	$(BIN)/ruff format --check $(CODE)

lint: $(VENV)/.dev
	$(BIN)/ruff check $(CODE)

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

bench: $(VENV)/.dev ## the line under load, on real items, then with 20 kills (needs SETWIRE_SHARED)
	$(BIN)/python -m bench.line
	$(BIN)/python -m bench.line --kills 20

quality: $(VENV)/.dev ## story and tag figures on the gold sets (needs SETWIRE_SHARED)
	$(BIN)/python -m bench.quality

chaos: $(VENV)/.dev ## telling under kill -9, failpoints and rude endpoints (a few minutes)
	$(BIN)/python -m bench.chaos

tell: $(VENV)/.dev ## how fast alerts leave, beside Apprise (if installed) and smtplib
	$(BIN)/python -m bench.tell

lock: $(VENV)/.dev ## pin the newest dependencies again (needs uv on the PATH)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --extra build \
		--upgrade --quiet --no-header --no-annotate --no-emit-index-url -o requirements/base.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --extra build --extra dev \
		--upgrade --quiet --no-header --no-annotate --no-emit-index-url -c requirements/base.txt -o requirements/dev.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
