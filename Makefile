# Filmless: two commands matter, `make run` and `make test`. Needs Python 3.11+, Node 20+, make; nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/stamps
JOBS ?= 2

.PHONY: help run setup test test-all test-browser lint format bench clean

help:  ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: setup  ## Set up, fill a demo department, start the servers
	@FILMLESS_ACCEPT_UNKNOWN_NODES=$${FILMLESS_ACCEPT_UNKNOWN_NODES:-true} $(BIN)/filmless demo --serve

setup: $(STAMPS)/python $(STAMPS)/web $(STAMPS)/viewer  ## Install everything, build the web application

test: setup  ## Run every test on SQLite and PostgreSQL (peers and browser where installed)
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not browser and not fault and not slow"
	$(BIN)/python -m pytest -q -m "fault or slow" --no-header
	$(BIN)/python -m pytest -q -m browser --no-header
	cd web && npm test --silent

test-fast: $(STAMPS)/python  ## The fast suite only: under two minutes
	$(BIN)/python -m pytest -q -n $(JOBS) -m "not browser and not fault and not slow and not peer"

test-browser: setup  ## Drive Debian's Chromium through the application
	$(BIN)/python -m pytest -q -m browser

lint: $(STAMPS)/python $(STAMPS)/web  ## Style, types, import directions
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cd web && npm run --silent lint

format: $(STAMPS)/python  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup  ## Measure beside Orthanc and the raw receiver (needs Orthanc and DCMTK)
	$(BIN)/python -m bench.ingest
	$(BIN)/python -m bench.dicomweb

clean:  ## Remove what was installed and built; the data folder stays
	rm -rf .venv web/node_modules web/dist web/viewer

$(STAMPS)/python: requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: $(PYTHON) was not found."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $$($(PYTHON) --version) was found. Name another with PYTHON=…"; exit 1; }
	@echo "[1/3] Python packages (about a minute) …"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/web: web/package.json web/package-lock.json $(shell find web/src web/index.html web/vite.config.ts -type f 2>/dev/null) | $(STAMPS)/python
	@command -v node >/dev/null || { echo "Node 20 or newer is needed: node was not found."; exit 1; }
	@echo "[2/3] Web application (about a minute) …"
	@cd web && npm ci --silent --no-audit --no-fund && npm run --silent build
	@touch $@

$(STAMPS)/viewer: tools/set_up_viewer.py | $(STAMPS)/python
	@echo "[3/3] OHIF viewer (about a minute) …"
	@$(BIN)/python tools/set_up_viewer.py
	@touch $@
