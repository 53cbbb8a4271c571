# Everything a newcomer or a developer does here; each target first sets up what it lacks.
# Written for GNU make 3.81 and bash 3.2, which macOS still ships.

SHELL := /bin/bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# A changed source of the lab extension is built anew by the next `make up`.
SCREEN := $(shell find labextension -type d \( -name node_modules -o -name lib -o -name dist \) -prune \
	-o -type f ! -name '*.tsbuildinfo' -print 2>/dev/null)
READY := .venv/.stamps

.PHONY: help up test test-cluster bench-access bench-spawn bench-runs chaos lint format docs lock clean
.DEFAULT_GOAL := help

help:
	@echo "make up      start a hub on this machine (ARGS=\"--port 9000\" for its options)"
	@echo "make test    run everything that CI runs: lint, unit, system and browser tests, docs"
	@echo "make test-cluster  only the tests on Kubernetes (as root; ARGS for pytest's options)"
	@echo "make bench-access  measure how fast access is decided, beside GitHubOAuthenticator"
	@echo "make bench-spawn   measure how fast servers start on Kubernetes, beside KubeSpawner (as root)"
	@echo "make bench-runs    measure runs, beside papermill, nbclient and other services (ARGS=\"--only trivial\")"
	@echo "make chaos   run 1,000 notebooks while all that runs them is killed 100 times, on each database"
	@echo "make lint    only the linters and types"
	@echo "make format  put all sources into the form that lint wants"
	@echo "make docs    build the documentation into docs/_build/html"
	@echo "make lock    resolve the locked requirements anew"
	@echo "make clean   remove what make has built; the data folder stays"

up: $(READY)/project
	@exec .venv/bin/fairihub up $(ARGS)

test: $(READY)/dev $(READY)/project $(READY)/screen
	@scripts/get-browser
	@scripts/get-postgres
	@scripts/get-keycloak
	@scripts/get-cluster
	@scripts/check all

test-cluster: $(READY)/dev $(READY)/project
	@scripts/get-cluster
	@ARGS="$(ARGS)" scripts/check cluster

bench-access: $(READY)/project
	@.venv/bin/python benchmarks/access.py $(ARGS)

bench-spawn: $(READY)/dev $(READY)/project
	@scripts/get-cluster
	@.venv/bin/python -m benchmarks.spawn $(ARGS)

bench-runs: $(READY)/dev $(READY)/project
	@scripts/get-postgres
	@.venv/bin/python -m benchmarks.runs $(ARGS)

chaos: $(READY)/dev $(READY)/project
	@scripts/get-postgres
	@.venv/bin/python -m tests.chaos $(ARGS)

lint: $(READY)/dev $(READY)/project $(READY)/screen
	@scripts/check lint

format: $(READY)/dev $(READY)/screen
	@scripts/check format

docs: $(READY)/dev $(READY)/project
	@scripts/check docs

lock: $(READY)/venv
	@scripts/lock

clean:
	rm -rf .venv dist build docs/_build docs/reference/generated tests/artefacts
	rm -rf labextension/node_modules labextension/lib labextension/dist labextension/*.tsbuildinfo
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what the targets above stand on; a stamp is newer than everything it was made from ---

$(READY)/venv: requirements/uv.lock scripts/get-python
	@scripts/get-python
	@touch $@

$(READY)/node: requirements/node.lock scripts/get-node $(READY)/venv
	@scripts/get-node
	@touch $@

$(READY)/hub: requirements/hub.lock $(READY)/venv
	@scripts/install requirements/hub.lock
	@touch $@

$(READY)/dev: requirements/dev.lock $(READY)/hub
	@scripts/install requirements/dev.lock
	@touch $@

$(READY)/project: pyproject.toml $(SCREEN) $(READY)/hub $(READY)/node
	@scripts/install project
	@touch $@

$(READY)/screen: labextension/package.json $(READY)/node
	@scripts/get-screen
	@touch $@
