# Two commands do everything:
#   make demo    sets up, makes the embedded dataset, trains, evaluates, draws pictures
#   make test    sets up and passes the tests
# make docs builds the documentation into site/; make benchmark measures and writes the tables
# of benchmarks/; make lint formats.
# PYTHON names another interpreter (3.10 to 3.13), VENV another folder for the environment, STACK
# another set of pinned packages, WORKERS the number of processes that run tests.
PYTHON ?= python3
VENV ?= .venv
STACK ?= requirements/stack.txt
WORKERS ?= 2
BIN = $(VENV)/bin
# With it every process compiles PyTorch and MMPose again: a start takes 25 s instead of 7.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint docs setup setup-tests benchmark clean

demo: setup
	$(BIN)/python tools/run_demo.py

test: setup-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/python -m pip check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: setup-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/mypy

docs: setup-tests
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

benchmark: setup-tests
	$(BIN)/python benchmarks/codec_speed.py --out benchmarks/codec_speed.md
	$(BIN)/python benchmarks/codec_accuracy.py --out benchmarks/codec_accuracy.md
	$(BIN)/python benchmarks/block_cost.py --out benchmarks/block_cost.md

setup: has-python
	@$(PYTHON) tools/setup_env.py --venv $(VENV) --requirements $(STACK)

setup-tests: has-python
	@$(PYTHON) tools/setup_env.py --venv $(VENV) \
	  --requirements $(STACK) requirements/tests.txt requirements/docs.txt

.PHONY: has-python
has-python:
	@command -v $(PYTHON) > /dev/null || { \
	  echo "setup: $(PYTHON) was not found: install Python 3.10 to 3.13, or name one with" \
	       "make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1; }

clean:
	rm -rf build dist site gm_pose.egg-info $(VENV)
