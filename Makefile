# First: make demo, make test. The rest is for those who work on it.
PYTHON ?= python3
BIN := .venv/bin
# Tests that take more than a minute run with: make test PYTEST_ARGS=
PYTEST_ARGS ?= -m "not long"

.PHONY: setup demo test check format docs bench clean

# A virtual environment in .venv with the pinned packages and this one.
setup: .venv/.stamp

# Redone only when the dependencies change: the package itself is installed editable.
.venv/.stamp: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

# Five small campaigns with simulated callees: about a minute.
demo: setup
	$(BIN)/dialer demo

# All tests that take less than a minute each.
test: setup
	$(BIN)/python -m pytest $(PYTEST_ARGS)

# Lint, format and types.
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Put lint and format right where that is safe.
format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Documentation that is made from the code.
docs: setup
	$(BIN)/python tools/make_diagrams.py

# Every benchmark with its ratio.
bench: setup
	$(BIN)/python -m benchmarks

# Everything that was made here but data.
clean:
	rm -rf .venv build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
