# The only commands that CI and contributors use.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIPS ?=
SEEDS ?= 0
VECTORS ?= ../shared/vectors
KINDS ?=
BACKEND ?= reference
WORKDIR ?= runs/local

.PHONY: setup run test truth steward parity lint types bench docs ui serve clean

setup: $(VENV)/.ready

# torch first through pip (it finds a CPU wheel where one is offered), the rest through uv, which compiles bytecode.
$(VENV)/.ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' requirements.lock)" "uv>=0.9"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

run: setup
	@$(BIN)/wm run --workdir $(WORKDIR) $(if $(CLIPS),--corpus $(CLIPS))

test: setup
	@$(BIN)/python -m pytest -n 2 --dist loadfile tests

truth: setup
	@$(BIN)/python tests/e2e/truth.py --seeds "$(SEEDS)"

steward: setup
	@$(BIN)/python tests/e2e/adopt_proposal.py --workdir $(WORKDIR)
	@$(BIN)/python tests/e2e/steward.py --workdir $(WORKDIR)

parity: setup
	@$(BIN)/python tests/parity/run.py --vectors $(VECTORS) --kinds "$(KINDS)" --backend $(BACKEND)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports && $(BIN)/codespell

types: setup
	@$(BIN)/pyright

# Needs a GPU. The frozen peers are timed beside ours where PYTHONPATH has them.
bench: setup
	@mkdir -p runs/bench
	@$(BIN)/python -m kernels.bench --out runs/bench
	@$(BIN)/python -m kernels.bench_backward --out runs/bench
	@$(BIN)/python -m model.bench --out runs/bench
	@$(BIN)/python -m model.flow.bench --out runs/bench
	@$(BIN)/python -m model.refiner.bench --out runs/bench
	@$(BIN)/python -m model.generation.bench --out runs/bench

docs: setup
	@$(BIN)/python -m workflows.cli.docs

ui: setup
	@$(BIN)/wm ui --workdir $(WORKDIR)

serve: setup
	@$(BIN)/wm serve --workdir $(WORKDIR)

clean:
	rm -rf $(VENV) runs .pytest_cache .ruff_cache .hypothesis
