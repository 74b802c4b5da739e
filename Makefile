# Needs only Python 3.11 or newer and make: everything else is set up in .venv, once.
# Another Python than the one on the path: make test PYTHON=/path/to/python3.12

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo test pytest check bench lives day schema

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?=
SUITS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(READY) ## a shop that runs before your eyes: 1C and Ozon as sandboxes, about two minutes
	@$(BIN)/obmen demo $(ARGS)

test: $(READY) ## every check and every test, side by side
	@$(MAKE) --no-print-directory -j2 check pytest

pytest: $(READY)
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: $(READY) ## lint, format, types, and who may import whom; changes nothing
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lives: $(READY) ## a seller's whole life on each marketplace at a real cabinet's size: minutes
	@OBMEN_GOODS=500 OBMEN_ORDERS=50 $(BIN)/python -m pytest -o timeout=0 -k a_whole_life tests/e2e/markets $(ARGS)

day: $(READY) ## a whole day of a shop by a fast clock: 20 connections, 60 flows, about ten minutes
	@OBMEN_DAY=1 $(BIN)/python -m pytest -o timeout=0 tests/e2e/test_day.py $(ARGS)

bench: $(READY) ## how fast, beside a bare parser measured in the same run
	@$(BIN)/python -m tests.bench $(ARGS)

schema: $(READY) ## writes config/schema.json anew, for the completion in editors
	@$(BIN)/obmen schema --output config/schema.json

$(READY): pyproject.toml
	@test -x $(BIN)/python && $(BIN)/python -c '$(SUITS)' 2>/dev/null || { \
	  for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11 python; do \
	    if "$$python" -c '$(SUITS)' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo 'Obmen needs Python 3.11 or newer with its venv module, and finds none on the path.' >&2; \
	    echo 'On Debian or Ubuntu: apt-get install python3 python3-venv' >&2; \
	    echo 'If it stands elsewhere: make PYTHON=/path/to/python3.11' >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv --clear $(VENV); \
	}
	@echo 'Installing what pyproject.toml asks for into $(VENV)'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)
