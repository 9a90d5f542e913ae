# Each target does its own set-up; all that is needed is python3 with venv, and make.
# make run ARGS="--port 8081 --pins /tmp/pins"

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/.run
DEV := $(VENV)/.dev
EMULATOR := $(VENV)/.emulator
PROSE := build/prose/.made
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
SOURCES := firmware boards tools host_tests

.PHONY: help run demo test conformance nightly docs lint types format page screenshots cross package bundle app firmware size emulator bench soak explore mutants clean

help:
	@echo "make run      the simulated board; ARGS=\"--help\" tells its options"
	@echo "make demo     a controller dies and comes back, in your terminal"
	@echo "make test     the tests, on CPython and MicroPython"
	@echo "make conformance URL=http://... USER=... PASS=... [OUTPUT=4] [ACCOUNTS=1] [HEARTBEATS=1]"
	@echo "              any VAPIX I/O module: what it does as it should; without URL, the simulated"
	@echo "make lint     ruff, codespell; the English of the documents (needs npm)"
	@echo "make types    the firmware against the stubs of rp2, esp32 and unix"
	@echo "make docs     the site of docs/, in build/site"
	@echo "make page     build the page of firmware/page/ into the firmware; needs npm"
	@echo "make screenshots  look at the page in Chromium, for README"
	@echo "make cross    compile every firmware file with mpy-cross"
	@echo "make package [BOARD=...]   package.json, for mpremote mip, and which boards have room for it"
	@echo "make bundle   the firmware as .mpy files, zipped"
	@echo "make app      the application file of an image, and its manifest"
	@echo "make firmware BOARD=... MICROPYTHON_DIR=... [FORM=romfs|frozen]"
	@echo "              an image: MicroPython and the application"
	@echo "make size     heap kept per module: from .mpy, in place, frozen; ARGS=\"mpy romfs\" for some"
	@echo "make emulator an image for the RP2040, run in an emulator: heap, times, trips"
	@echo "make bench    beside microdot: speed, instructions, bytes, heap"
	@echo "make soak     a million requests in a bounded heap: does anything grow?"
	@echo "make explore  every history of a small world: does the core do what its model says?"
	@echo "make mutants  is a fault in any line of the safety path noticed by its unit tests?"
	@echo "make nightly  the tests in their long form, and soak, emulator, explore, mutants; ARGS=... for some tests"

run: $(RUN)
	@exec $(VENV)/bin/python tools/simulate.py $(ARGS)

demo: $(DEV)
	@exec $(VENV)/bin/python tools/demo.py $(ARGS)

# What measures ms runs by itself, and first: it leaves the compiled tests to the many that follow,
# also where the environment (a container's, often) would have Python compile everything each time.
test nightly: export PYTHONDONTWRITEBYTECODE =
test: $(DEV)
ifdef ARGS
	$(VENV)/bin/python -m pytest $(ARGS)
else
	$(VENV)/bin/python -m pytest -m alone
	$(VENV)/bin/python -m pytest -n auto --dist worksteal -m "not alone"
endif

# USER is in every environment: only the command line's is meant. Through the environment, so that
# no shell reads a password.
conformance: export CONFORMANCE_TABLE = 1
conformance: export CONFORMANCE_URL = $(value URL)
conformance: export CONFORMANCE_USER = $(if $(filter command,$(origin USER)),$(value USER),root)
conformance: export CONFORMANCE_PASS = $(value PASS)
conformance: export CONFORMANCE_OUTPUT = $(value OUTPUT)
conformance: export CONFORMANCE_ACCOUNTS = $(value ACCOUNTS)
conformance: export CONFORMANCE_HEARTBEATS = $(value HEARTBEATS)
conformance: $(DEV)
	@$(VENV)/bin/python -m pytest --tb=no --no-summary -W "ignore:Unverified HTTPS" $(ARGS) host_tests/test_conformance_*.py

nightly: $(DEV)
ifdef ARGS
	HOLDFAST_NIGHTLY=1 $(VENV)/bin/python -m pytest $(ARGS)
else
	@$(VENV)/bin/python tools/nightly.py
endif

# The English of the documents: textlint, from npm, with a rule of ours.
$(PROSE): tools/prose/package-lock.json
	@mkdir -p $(@D) && cp tools/prose/package*.json $(@D)
	@cd $(@D) && npm ci --no-audit --no-fund --ignore-scripts
	@touch $@

lint: $(DEV) $(PROSE)
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/python tools/pins.py
	NODE_PATH=build/prose/node_modules build/prose/node_modules/.bin/textlint \
	    --rulesdir tools/prose/rules *.md docs "boards/*/README.md"
	$(VENV)/bin/codespell *.md docs Makefile pyproject.toml $(SOURCES)

docs: $(DEV)
	@$(VENV)/bin/python tools/command_page.py
	@$(VENV)/bin/python tools/settings_schema.py
	@$(VENV)/bin/python tools/settings_reference.py
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

types: $(DEV)
	@$(VENV)/bin/python tools/typecheck.py $(ARGS)

format: $(DEV)
	$(VENV)/bin/ruff check --fix $(SOURCES)
	$(VENV)/bin/ruff format $(SOURCES)

page: $(RUN)
	$(VENV)/bin/python tools/page.py $(ARGS)

screenshots: $(DEV)
	$(VENV)/bin/python tools/screenshots.py $(ARGS)

cross: $(RUN)
	$(VENV)/bin/python tools/cross.py

package: $(RUN)
	@$(VENV)/bin/python tools/package.py json "$(BOARD)"

bundle: $(RUN)
	@$(VENV)/bin/python tools/package.py bundle

app: $(RUN)
	@$(VENV)/bin/python tools/package.py app

firmware: $(RUN)
	@$(VENV)/bin/python tools/package.py firmware "$(BOARD)" --micropython="$(MICROPYTHON_DIR)" --form="$(FORM)" --make="$(ARGS)"

size: $(RUN)
	$(VENV)/bin/python tools/size.py $(ARGS)

# For nights and by hand: apt, a compiler for the chip, and some minutes.
emulator: $(EMULATOR)
	@$(VENV)/bin/python tools/emulator.py $(ARGS)

bench: $(DEV)
	$(VENV)/bin/python tools/bench.py $(ARGS)

soak: $(DEV)
	@$(VENV)/bin/python tools/soak.py $(ARGS)

explore: $(DEV)
	@$(VENV)/bin/python tools/explore.py $(ARGS)

mutants: $(DEV)
	@$(VENV)/bin/python tools/mutants.py $(ARGS)

clean:
	rm -rf build .pytest_cache .ruff_cache .hypothesis

# pip 25.1 and later knows dependency groups; what Debian ships may be older.
$(VENV)/bin/python:
	@echo "making the environment in $(VENV) (once)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install pip==26.0

# The command's own build needs no environment of its own: what it is built with is in the group.
$(RUN): pyproject.toml | $(VENV)/bin/python
	@$(PIP) install --group run
	@$(PIP) install --no-build-isolation --editable .
	@touch $@

$(DEV): pyproject.toml | $(VENV)/bin/python
	@$(PIP) install --group dev
	@$(PIP) install --no-build-isolation --editable .
	@touch $@ $(RUN)

$(EMULATOR): $(RUN)
	@$(PIP) install --group emulator
	@touch $@
