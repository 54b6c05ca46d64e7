# Everything here runs from .venv, which the first target that needs it makes.
# On a machine with Python 3.11 or 3.12 and make, nothing else has to be installed first.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3.11 python3.12 python3 python; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
		2>/dev/null && command -v "$$python" && break; done)

INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --quiet \
	--generate-hashes --custom-compile-command "make lock" --no-emit-package torch --constraint torch.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test test-all lint format bench demo-model lock clean

help: ## list the targets
	@echo "Longscribe: recordings in, transcripts out."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## start everything, transcribe the sample meeting, check the text, stop
	@$(BIN)/longscribe demo

serve: $(INSTALLED) ## start everything and keep it running until Ctrl-C
	@$(BIN)/longscribe serve

test: $(INSTALLED_DEV) ## all tests that need no GPU
	$(BIN)/python -m pytest -m "not bench"

test-all: $(INSTALLED_DEV) ## these, and the measurements
	$(BIN)/python -m pytest

lint: $(INSTALLED_DEV) ## style, types and the rules about who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(INSTALLED_DEV) ## lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED_DEV) ## measure speed and memory on this machine
	$(BIN)/python -m pytest -m bench -s

demo-model: $(INSTALLED_DEV) ## train the bundled model and speak the sample meeting anew (hours)
	$(BIN)/python -m worker.demo_model.build

lock: $(INSTALLED_DEV) ## maintainers: resolve all versions anew
	$(PIP) -q uv
	$(LOCK) --extra worker --extra embedded --group build --upgrade -o requirements.lock
	$(LOCK) --group build -c requirements.lock --upgrade -o requirements-web.lock
	$(LOCK) --all-extras --group build -c requirements.lock --upgrade -o requirements-dev.lock

clean: ## remove the environment and all caches; data/ stays
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { \
		echo "Longscribe needs Python 3.11 or 3.12, and found neither. Install one" >&2; \
		echo "(Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	@echo "Making $(VENV) with $(PYTHON) ..."
	@"$(PYTHON)" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "Python's venv module is incomplete. Debian: apt-get install python3-venv" >&2; \
		exit 1; }

# The lock names every package but torch, which is pinned apart: pip takes the build that the
# machine's package index offers, with CUDA or for the CPU.
$(INSTALLED): requirements.lock torch.txt pyproject.toml | $(BIN)/python
	@echo "Installing the packages of requirements.lock (some 200 MB; once, a few minutes) ..."
	@$(PIP) $$(test -t 1 || echo -q) --no-deps --require-hashes -r requirements.lock
	@echo "Installing torch (200 MB for the CPU, up to 3 GB with CUDA) ..."
	@$(PIP) $$(test -t 1 || echo -q) -r torch.txt
	@$(PIP) -q --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Installed."

$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
	@echo "Installing the packages of requirements-dev.lock ..."
	@$(PIP) $$(test -t 1 || echo -q) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@
