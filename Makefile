# make train | test | test-all | plots | bench | data | lint      each sets up .venv first, once
# make torch                                            adds PyTorch to .venv, for a GPU
# make examples                                         adds what examples/ and notebooks/ need
# make web                                              net2 in the browser, on 127.0.0.1
# make notebook                                         opens notebooks/net2.ipynb in JupyterLab
#
#   make train ARGS="--epochs 10 --seed 1"             options for the script go into ARGS
#   make train PYTHON=python3.13                       another Python than python3

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Files in .venv that say what was installed last: a second `make` installs nothing.
VENV := .venv/.made
TRAIN := .venv/.requirements
DEV := .venv/.requirements-dev
BENCH := .venv-bench/.requirements-bench
GPU := .venv/.requirements-gpu
EXAMPLES := .venv/.requirements-examples

.PHONY: train test test-all torch examples plots bench web notebook data lint format

train: $(TRAIN)
	@$(BIN)/python net2.py $(ARGS)

# Theano's modules are compiled quickly: tests/quick_compilation.py.
test: $(DEV)
	@TESTS_COMPILE_QUICKLY=$${TESTS_COMPILE_QUICKLY:-1} $(BIN)/python -m pytest -n auto --dist loadfile -m "not long" $(ARGS)

test-all: $(DEV) $(EXAMPLES)
	@$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

torch: $(GPU)

examples: $(EXAMPLES)

plots: $(TRAIN)
	@$(BIN)/python plot_results.py $(ARGS)

bench: $(TRAIN) $(BENCH)
	@$(BIN)/python benchmarks/load.py $(ARGS)
	@$(BIN)/python benchmarks/startup.py $(ARGS)
	@$(BIN)/python benchmarks/conv_pool.py $(ARGS)
	@$(BIN)/python benchmarks/epoch.py $(ARGS)

web: $(EXAMPLES)
	@$(BIN)/python examples/web/serve.py $(ARGS)

notebook: $(TRAIN)
	@$(PIP) jupyterlab==4.6.6
	@$(BIN)/python -m jupyterlab $(ARGS) notebooks/net2.ipynb

data: $(TRAIN)
	@$(PIP) kagglehub==1.0.3
	@$(BIN)/python -m kfkd.fetch $(ARGS)

lint: $(DEV)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@git ls-files '*.h' '*.hpp' '*.cpp' | xargs $(BIN)/clang-format --dry-run -Werror

format: $(DEV)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@git ls-files '*.h' '*.hpp' '*.cpp' | xargs $(BIN)/clang-format -i

$(VENV):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("net2 needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + ": run make with PYTHON=python3.13, say")'
	@echo "making .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

$(TRAIN): requirements.txt $(wildcard theano_today/setup/build_shim/*) | $(VENV)
	@echo "installing requirements.txt into .venv (a minute or two)"
	@$(PIP) -r theano_today/setup/build_shim/requirements.txt
	@# An absolute path: pip builds each package in a folder of its own.
	@PYTHONPATH="$(CURDIR)/theano_today/setup/build_shim" $(PIP) --no-build-isolation -r requirements.txt
	@touch $@

$(DEV): requirements-dev.txt $(TRAIN)
	@echo "installing requirements-dev.txt into .venv"
	@$(PIP) -r requirements-dev.txt
	@touch $@

# The benchmarks say so if what they compare net2 with could not be installed, and go on.
$(BENCH): requirements-bench.txt | $(VENV)
	@echo "installing requirements-bench.txt (PyTorch and JAX) into .venv-bench"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt \
		&& touch $@ || echo "PyTorch and JAX cannot be installed: measuring without them"

$(GPU): requirements-gpu.txt $(TRAIN)
	@echo "installing requirements-gpu.txt into .venv (on Linux some gigabytes of CUDA)"
	@$(PIP) -r requirements-gpu.txt
	@touch $@

# The tests say what they miss, and are skipped, where one of these has no wheel.
$(EXAMPLES): requirements-examples.txt $(TRAIN)
	@echo "installing requirements-examples.txt into .venv"
	@$(PIP) -r requirements-examples.txt || grep -Ev '^ *(#|$$|-r)' requirements-examples.txt | \
		while read -r line; do $(PIP) "$$line" || echo "NOT INSTALLED for the examples: $$line"; done
	@touch $@
