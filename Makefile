# Everything sets itself up: a bare machine needs Python 3.11 or newer, and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
DEV    := $(VENV)/.ready-dev

# The tests start hundreds of hubs and commands: each would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench chaos conformance quickstart fuzz lock vendor browser screenshots clean help

help:    ## what can be made here
	@sed -n 's/^\([a-z]*\):.*##/\1\t/p' $(MAKEFILE_LIST)

demo: $(READY)      ## the main job, on this repository's own history
	@$(BIN)/python -m demo

test: check browser         ## all checks and tests (what CI runs), in four processes
	$(BIN)/pytest -q -n 4

browser:         ## Chromium for the tests of the web console, where it can be installed
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			&& apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
		|| echo "no Chromium can be had here (see above): the tests of pages are skipped" >&2

screenshots: $(DEV) browser ## a picture of each page, light and dark, small and wide
	SCREENSHOTS=docs/screenshots $(BIN)/pytest -q tests/browser -k everybody
	$(BIN)/python -m tests.browser.pictures

check: $(DEV)       ## lint, types, layers, dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src
	$(BIN)/codespell

bench: $(DEV)       ## figures, each beside a peer's or a limit's
	$(BIN)/python -m bench

chaos: $(DEV)       ## kill -9 under load, then count
	$(BIN)/python -m tests.chaos --rounds 21
	$(BIN)/python -m tests.chaos --rounds 15 --features --shards 1
	$(BIN)/python -m tests.chaos --rounds 15 --features --clock-jumps
	$(BIN)/python -m tests.chaos.cluster --cycles 3
	$(BIN)/pytest -q -s tests/chaos/test_disk.py
	$(BIN)/python -m tests.chaos.registry --rounds 12

conformance: $(DEV) ## every recorded exchange of xRegistry, each test with a hub of its own
	WHOLE_TESTS=1 $(BIN)/pytest -q tests/edges/test_xregistry_server.py

quickstart:      ## from a fresh clone to the first traced event: at most 60 s
	@$(PYTHON) -m bench.quickstart

fuzz: $(DEV)        ## the decoders, for a bounded time
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	$(BIN)/python -m tests.fuzz --seconds 60

lock: $(DEV)        ## renew the lock files
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes pyproject.toml --group dev -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --group fuzz -o requirements-fuzz.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --group amqp -o requirements-amqp.lock

vendor: $(READY)    ## fetch what of others stands in the console anew
	$(BIN)/python tools/vendor.py

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Chappe needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(READY): $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV): $(READY) requirements-dev.lock requirements-amqp.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-amqp.lock \
		|| echo "python-qpid-proton cannot be compiled here (see above): the tests of AMQP are skipped" >&2
	@touch $@

clean:   ## remove what was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
