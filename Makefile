# Two commands matter: `make demo` trains, `make test` tests. Both set up what they need, on a machine with
# nothing but Python >= 3.11 and make. `make help` lists the rest.

PYTHON ?= python3
TORCH ?= torch==2.13.0
WORKERS ?= 2
PYTEST_ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check
PROJECTS := $(wildcard kernel/pyproject.toml plugins/*/pyproject.toml contrib/*/pyproject.toml) pyproject.toml
FOLDERS := $(patsubst %/,./%,$(dir $(filter-out pyproject.toml,$(PROJECTS)))) .
SOURCES := $(wildcard kernel/src plugins/*/src contrib/*/src plugin-template/src)

export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help venv install demo test lint format types bench docs docs-serve wheels catalogue clean

help:
	@echo 'make demo       install everything and train a classifier on handwritten digits'
	@echo 'make test       run every test of every distribution (PYTEST_ARGS= for more)'
	@echo 'make install    the virtual environment .venv with every distribution, editable'
	@echo 'make venv       the same, and the tools for development'
	@echo 'make lint       ruff; make format applies what it can'
	@echo 'make types      mypy'
	@echo 'make bench      calls and time a training step, beside a hand-written loop'
	@echo 'make docs       the documentation as a web site, in site/'
	@echo 'make docs-serve the same, shown at http://127.0.0.1:8000'
	@echo 'make wheels     one wheel of each distribution, in dist/'
	@echo 'make catalogue  what is written from the plugin folders: catalogue, stubs, extras, table'
	@echo 'make clean      remove .venv, builds and caches'

# --- environment ---------------------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Leyden needs Python 3.11 or newer; \
	try: make PYTHON=python3.12")'
	@echo 'creating .venv'
	@$(PYTHON) -m venv .venv

# torch first and pinned, so that what follows is satisfied with it; any other build will do where that one is not served.
.venv/torch.stamp: | $(BIN)/python
	@echo 'installing torch'
	@$(PIP) install --upgrade 'pip>=25.1'
	@$(PIP) install '$(TORCH)' || $(PIP) install 'torch>=2.6'
	@touch $@

.venv/install.stamp: .venv/torch.stamp $(PROJECTS)
	@echo 'installing $(words $(FOLDERS)) distributions, editable'
	@$(PIP) install --group build
	@$(PIP) install --no-build-isolation $(foreach folder,$(FOLDERS),--editable $(folder))
	@touch $@

.venv/tools.stamp: .venv/install.stamp plugin-template/pyproject.toml pyproject.toml
	@echo 'installing the tools for development'
	@$(PIP) install --group dev
	@$(PIP) install --no-build-isolation --no-deps --editable ./plugin-template
	@touch $@

.venv/docs.stamp: .venv/install.stamp pyproject.toml
	@$(PIP) install --group docs
	@touch $@

install: .venv/install.stamp
venv: .venv/tools.stamp

# --- use and development ---------------------------------------------------------------------------------------

demo: install
	@$(BIN)/leyden demo

# W&B keeps one service for a process, SLURM's tests send signals, and with bitsandbytes there are two optimizers of each
# name: these run in a process of their own.
ALONE := plugins/logger-wandb plugins/environment-slurm contrib/precision-bitsandbytes

# What hangs fails, and says where it stood.
LIMIT := --timeout 600

test: venv
	$(BIN)/python -m pytest $(LIMIT) --numprocesses $(WORKERS) --dist loadfile $(ALONE:%=--ignore=%) $(PYTEST_ARGS)
	$(BIN)/python -m pytest $(LIMIT) $(ALONE)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: venv
	$(BIN)/mypy $(SOURCES)
	$(BIN)/mypy --explicit-package-bases tests kernel/tests

# What others do is measured beside it; they are not part of the tools for development.
PEERS := lightning-fabric==2.6.6 pytorch-ignite accelerate skorch

bench: venv
	$(PIP) install $(PEERS)
	$(BIN)/python -m tests.benchmarks.calls
	$(BIN)/python -m tests.benchmarks.instructions
	$(BIN)/python -W ignore -m tests.benchmarks.speed --figures dist/speed.json
	$(BIN)/python -m tests.benchmarks.picture dist/speed.json docs/images/speed.png
	$(BIN)/python -m tests.benchmarks.startup
	$(BIN)/python -m tests.benchmarks.fast

docs: .venv/docs.stamp
	$(BIN)/python docs/site.py build --quiet
	@echo 'site/index.html'

docs-serve: .venv/docs.stamp
	$(BIN)/python docs/site.py serve

wheels: install
	@rm -rf dist
	$(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist $(FOLDERS)
	@ls dist

catalogue: install
	$(BIN)/python -m tests.architecture.official
	$(BIN)/python -m tests.architecture.stubs
	$(BIN)/python -m tests.architecture.metapackage

clean:
	rm -rf .venv dist build site .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
