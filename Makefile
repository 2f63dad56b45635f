# make demo and make test need python3 and make, nothing else: the rest is installed into .venv as constraints.txt pins it.
PYTHON ?= python3
# Another index for torch, such as https://download.pytorch.org/whl/cpu: its builds without CUDA are smaller by gigabytes.
TORCH_INDEX ?=
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: demo test test-oldest test-newest test-oldest-but-torch check lint types fuzz bench docs clean

demo: $(INSTALLED)
	$(BIN)/derivcheck "x1**2*sin(x2)" --order 2 --wrt x1,x2

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist worksteal

# The tests with the oldest and the newest versions that are supported, torch included, each in an environment of its own.
# Left out are the documents, whose outputs are of the torch in constraints.txt, and elu, which is 0 at -1e-18 in torch 2.5.
OF_ONE_TORCH := --ignore tests/docs --deselect "tests/judgement/test_verdict.py::test_an_honest_function_agrees[elu]"
test-oldest test-newest: test-%: .venv-%/installed
	OMP_NUM_THREADS=1 .venv-$*/bin/pytest -n auto $(OF_ONE_TORCH)

# Part of the tests with the oldest versions beside the torch of .venv: these come first on the path.
OLDEST_BUT_TORCH := .oldest-but-torch
test-oldest-but-torch: $(OLDEST_BUT_TORCH)/installed
	PYTHONPATH=$(CURDIR)/$(OLDEST_BUT_TORCH) OMP_NUM_THREADS=1 $(BIN)/pytest -n auto tests/expression tests/exact tests/reports

check: lint types test

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED)
	$(BIN)/mypy

# Five minutes of random formulas, command lines, suites, damaged journals and kills; the seed is printed. Options: make fuzz FUZZ="--seed 7".
fuzz: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz $(FUZZ)

bench: $(INSTALLED)
	$(BIN)/python -m tests.bench

docs: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.docs

.venv-%/installed: pyproject.toml constraints-%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --constraint constraints-$*.txt --editable ".[test]"
	touch $@

$(OLDEST_BUT_TORCH)/installed: $(INSTALLED) constraints-oldest.txt
	rm -rf $(OLDEST_BUT_TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(OLDEST_BUT_TORCH) --constraint constraints-oldest.txt typer rich commonmark sympy python-flint
	touch $@

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) --constraint constraints.txt --editable ".[test]"
	touch $@

clean:
	rm -rf .venv .venv-* $(OLDEST_BUT_TORCH) .pytest_cache .mypy_cache .ruff_cache
