# make demo and make test need python3 and make, nothing else: the rest is installed into .venv as constraints.txt pins it.
PYTHON ?= python3
# Another index for torch, such as https://download.pytorch.org/whl/cpu: its builds without CUDA are smaller by gigabytes.
TORCH_INDEX ?=
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test check lint types bench docs clean

demo: $(INSTALLED)
	$(BIN)/derivcheck "x1**2*sin(x2)" --order 2 --wrt x1,x2

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto

check: lint types test

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m tests.bench

docs: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.docs

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
