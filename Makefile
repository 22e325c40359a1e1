# `make demo`: everything is installed and the main job is run on made data with known truth.
# `make test`: everything is installed and tested. `make check`: lint, types, import contracts.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CRATES := .venv-crates
SUDO := $(shell [ "$$(id -u)" = 0 ] && echo "" || echo "sudo -n")
DEMO ?= demo
PAPER ?= paper
SEED ?= 1

.PHONY: help install demo paper test quick check docs stubs page relion browser desktop cluster format clean-venv

help:
	@echo "make install  what is needed to work: a virtual environment in .venv, and RELION"
	@echo "make demo    install, then run movies to map on simulated data (demo/report.html)"
	@echo "make paper   install, then run the workflow of Sharov et al. (2021) on simulated data (paper/report.html)"
	@echo "make test    install, then run all tests"
	@echo "make quick   the quick tests only"
	@echo "make check   lint, types, import contracts"
	@echo "make docs    build the documentation into site/"
	@echo "make page   build the page anew, after the API or web/ was changed (needs Node 20 or newer)"
	@echo "make stubs   write what type checkers and docs/protocols know of the protocols, after one was changed"

install: $(VENV)/installed relion
	@echo "Now: . .venv/bin/activate && cryoloom doctor"

demo: $(VENV)/installed relion
	$(BIN)/python examples/run_demo.py $(DEMO) --seed $(SEED)

paper: $(VENV)/installed relion
	$(BIN)/python examples/run_paper.py $(PAPER) --seed $(SEED)

test: $(VENV)/installed relion browser desktop cluster $(CRATES)/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

quick: $(VENV)/installed
	$(BIN)/python -m pytest -m "not slow"

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

page: $(VENV)/installed
	$(BIN)/python -m cryoloom.server.description > web/openapi.json
	cd web && npm ci --no-audit --no-fund && npm run types && npm run check && npm run build

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

stubs: $(VENV)/installed
	$(BIN)/python -m cryoloom.api.typed_calls
	$(VENV)/bin/python -m cryoloom.api.protocol_pages

docs: $(VENV)/installed
	$(BIN)/mkdocs build --strict

$(VENV)/installed: pyproject.toml requirements.lock hatch_build.py $(wildcard src/cryoloom/star/native/*) $(shell find web/src web/index.html web/package-lock.json -type f)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Install one, then: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "Python's venv is missing. Install it: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# The validator of RO-Crates, for its tests: it needs an older `rich` than our tools, and so a place of its own.
$(CRATES)/installed:
	$(PYTHON) -m venv $(CRATES)
	$(CRATES)/bin/pip install --quiet --disable-pip-version-check "roc-validator>=0.13" "rocrate>=0.16"
	touch $@

# RELION from the distribution, where it is missing; as root or through sudo, else the command is printed.
relion:
	@if $(BIN)/cryoloom doctor >/dev/null 2>&1; then :; \
	elif command -v relion_refine_mpi >/dev/null && command -v mpirun >/dev/null; then :; \
	elif $(SUDO) true 2>/dev/null; then \
	  echo "Installing RELION from the distribution's package."; \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq relion openmpi-bin; \
	else echo "RELION is missing. Install it, then call make again: apt-get install relion openmpi-bin"; exit 1; fi

browser:
	@if command -v chromium >/dev/null; then :; \
	elif $(SUDO) true 2>/dev/null; then \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; \
	else echo "Chromium is missing (for the tests of pages). Install it: apt-get install chromium"; exit 1; fi

# A batch system: the tests start one of their own, as root.
cluster:
	@if command -v slurmctld >/dev/null && command -v munged >/dev/null; then :; \
	elif $(SUDO) true 2>/dev/null; then \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq slurm-wlm munge; \
	else echo "Slurm is missing: its tests are skipped. Install it: apt-get install slurm-wlm munge"; fi

# RELION's own GUI, and a screen without a display on which tests drive it.
desktop:
	@if command -v relion >/dev/null && command -v Xvfb >/dev/null && command -v xdotool >/dev/null && command -v xclip >/dev/null; then :; \
	elif $(SUDO) true 2>/dev/null; then \
	  $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq relion-gui xvfb xdotool xclip; \
	else echo "RELION's GUI is missing (for the tests of it). Install it: apt-get install relion-gui xvfb xdotool xclip"; exit 1; fi
