# Everything a user or developer does. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SPARK_VENV := .venv-spark
FOCUS_VENV := .venv-focus
# The FOCUS validator needs Python 3.12. A shim of pyenv may be there without it, so each candidate is run.
FOCUS_PYTHON ?= $(shell for found in python3.12 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12.*/bin/python /usr/bin/python3.12 $(PYTHON); do \
	"$$found" -c 'import sys, venv; sys.exit(sys.version_info[:2] != (3, 12))' 2>/dev/null && echo "$$found" && break; done)
LITELLM_VENV := .venv-litellm
LITELLM := litellm[proxy]==1.106.2
SAMPLE := var/sample
# A refresh keeps one core busy and takes a gigabyte of memory: so many run beside each other in the tests.
WORKERS ?= 2
QUIET := DAGSTER_DISABLE_TELEMETRY=1 DBT_SEND_ANONYMOUS_USAGE_STATS=false RUNTIME__DLTHUB_TELEMETRY=false DO_NOT_TRACK=1
RUN := $(QUIET) $(BIN)/python
# What is never imported need not be compiled: Python compiles the rest at its first import.
PIP_INSTALL := -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes
PIP := $(BIN)/python $(PIP_INSTALL)

.DEFAULT_GOAL := help
.PHONY: help run refresh ui own-ui scoreboard spark test test-faults test-spark test-cluster test-litellm check format generate prune purge clean lock

help: ## list the commands
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*?## "} {printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/bin/python:
	@echo "making $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
		|| (echo "Python 3.11 to 3.13 is needed; found $$($(PYTHON) --version). Say which: make PYTHON=python3.12 …" >&2; exit 1)
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.lock | $(VENV)/bin/python
	@echo "installing requirements.lock (a few minutes on a fresh machine)"
	@$(PIP) -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock requirements.lock | $(VENV)/bin/python
	@echo "installing requirements-dev.lock (a few minutes on a fresh machine)"
	@$(PIP) -r requirements-dev.lock
	@touch $(VENV)/.run $@

$(SPARK_VENV)/.done: requirements-spark.lock | $(VENV)/bin/python
	@echo "installing requirements-spark.lock into $(SPARK_VENV) (a few minutes on a fresh machine)"
	@$(BIN)/python -m venv $(SPARK_VENV)
	@$(SPARK_VENV)/bin/python $(PIP_INSTALL) -r requirements-spark.lock
	@touch $@

$(FOCUS_VENV)/.done: requirements-focus.lock
	@echo "installing requirements-focus.lock into $(FOCUS_VENV) (a few minutes on a fresh machine)"
	@$(FOCUS_PYTHON) -m venv $(FOCUS_VENV)
	@$(FOCUS_VENV)/bin/python $(PIP_INSTALL) -r requirements-focus.lock
	@touch $@

run: $(VENV)/.run ## refresh the sample company end to end and print the owners' scoreboard
	@COSTOWNER_DUCKDB_MEMORY=1GB $(RUN) -m sample_company with --home $(SAMPLE) -- $(BIN)/python -m orchestration refresh
	@COSTOWNER_HOME=$(SAMPLE) $(RUN) -m orchestration status

refresh: $(VENV)/.run ## the same on your own settings (see ingestion/sources/*/README.md); never mixes with the sample
	@$(RUN) -m orchestration refresh
	@$(RUN) -m orchestration status

scoreboard: $(VENV)/.run ## print the scoreboard of your own data again
	@$(RUN) -m orchestration status

ui: $(VENV)/.run ## Dagster UI of the sample company on http://127.0.0.1:3000, its vendors answering
	@$(RUN) -m sample_company with --home $(SAMPLE) -- $(BIN)/python -m orchestration ui

own-ui: $(VENV)/.run ## Dagster UI of your own installation, with its schedule and sensors
	@$(RUN) -m orchestration ui

spark: $(SPARK_VENV)/.done ## install what COSTOWNER_ENGINE=spark needs, in an environment of its own (docs/scaling.md)

check: $(VENV)/.dev ## format, lint, types, SQL format, dbt parse: seconds
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q . && $(BIN)/mypy
	@$(BIN)/sqlfmt --check -q dbt_project
	@cd dbt_project && $(QUIET) ../$(BIN)/dbt parse --quiet --profiles-dir .

format: $(VENV)/.dev ## format Python and SQL
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q . && $(BIN)/sqlfmt -q dbt_project

generate: $(VENV)/.dev ## write dbt's lists of sources and docs/settings.md from the declarations in Python
	@$(RUN) -m orchestration.generate
	@$(RUN) -m ingestion.setting_report

# Where there is no Java the tests of Spark are skipped and say so (in CI they fail); so are those of FOCUS's own validator
# where there is no Python 3.12.
ENVIRONMENTS := $(VENV)/.dev $(if $(shell command -v java),$(SPARK_VENV)/.done) $(if $(FOCUS_PYTHON),$(FOCUS_VENV)/.done)
test: ## everything that CI runs
	@$(MAKE) --no-print-directory --jobs=$(WORKERS) $(ENVIRONMENTS)
	@$(MAKE) --no-print-directory check
	@$(QUIET) $(BIN)/pytest -n $(WORKERS)

test-faults: $(VENV)/.dev ## all faults at many random points: power cuts, flipped bits, clocks, hostile answers and files
	@$(QUIET) $(BIN)/pytest -m 'whole or not whole' tests/faults

test-spark: $(VENV)/.dev $(SPARK_VENV)/.done ## both engines build the same marts, also by increments and after an upgrade; the SQL unit tests on Spark
	@$(QUIET) $(BIN)/pytest -m 'spark_whole or not spark_whole' tests/end_to_end/test_engines.py tests/dbt_project/test_upgrade.py

test-cluster: $(VENV)/.dev $(SPARK_VENV)/.done ## a Spark cluster on loopback: builds, and a worker killed in the middle
	@$(QUIET) $(BIN)/pytest -m cluster -s tests/end_to_end/test_cluster.py

$(LITELLM_VENV)/.done: | $(VENV)/bin/python
	@echo "installing LiteLLM into $(LITELLM_VENV) (about 800 MB, a few minutes)"
	@$(BIN)/python -m venv $(LITELLM_VENV)
	@$(LITELLM_VENV)/bin/python -m pip install --quiet --disable-pip-version-check '$(LITELLM)'
	@touch $@

test-litellm: $(VENV)/.dev $(LITELLM_VENV)/.done ## a real LiteLLM proxy on loopback: what it logs is landed, exact
	@$(QUIET) $(BIN)/pytest -m litellm tests/contract/test_litellm.py

prune: $(VENV)/.run ## remove lake files that no current or retained slice needs
	@$(RUN) -m orchestration prune

purge: $(VENV)/.run ## delete prompts that are too old or that no policy lets be kept
	@$(RUN) -m orchestration purge

clean: ## remove the sample company's installation
	rm -rf $(SAMPLE)

lock: ## make the lock files again (needs uv)
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --group sample pyproject.toml -o requirements.lock
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	uv pip compile -q --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --group spark -c requirements.lock -o requirements-spark.lock
	uv pip compile -q --no-strip-extras --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --group focus -o requirements-focus.lock
