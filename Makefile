# The two commands of the README, and what contributors run. Python 3.11 is needed.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test check lint engines bench-runtimes audit clean

help:
	@echo "make demo   train, evaluate and export on MovieLens latest small, then ask it"
	@echo "make test   run the tests"
	@echo "make check  everything CI runs: lint, types, tests"
	@echo "make engines  prepare on every engine that can run here, and compare the bytes"
	@echo "make bench-runtimes VERSIONS=...  measure exported models in every runtime"
	@echo "make audit  hold the pinned versions against known vulnerabilities"
	@echo "make clean  remove the virtual environment"

# Installed once; again only when the pinned versions or the packaging change.
$(READY): constraints.txt setup.py
	@echo "== Making a virtual environment in $(VENV) (a few minutes, once; pip is silent while it unpacks)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --progress-bar on -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)
	@echo "== Preparing, training, evaluating and exporting (about two minutes)"
	$(BIN)/cmml run --config configs/movielens_small.yaml
	@echo "== A new user, known by five ratings"
	$(BIN)/cmml predict --config configs/movielens_small.yaml \
		--input examples/new_user.jsonl --text

test: $(READY)
	@echo "== Running the tests (some minutes)"
	TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 \
		$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

# Flink and Spark take part where Java is, and variables name the jars: BUILD.md.
engines: $(READY)
	$(BIN)/python -m benchmarks.engines

# VERSIONS names exported versions, with the formats that are to be measured beside them.
bench-runtimes: $(READY)
	$(BIN)/python -m benchmarks.runtimes $(VERSIONS:%=--version %) \
		--page docs/reference/runtimes.md

# In an environment of its own: pip-audit is no part of the project.
audit:
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet pip-audit
	$(VENV)-audit/bin/python .ci/audit_packages.py

clean:
	rm -rf $(VENV) $(VENV)-audit build *.egg-info
