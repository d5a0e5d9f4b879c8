# make            what can be made
# make demo       everything at work; DATA=DIR RULES=FILE PORT=N ARGS=--no-server
# make test       the tests; ARGS="-k words" and the like go to pytest, JOBS=1 for one process
# make peers      other programs that subtract images, for `manage.py benchmark differencing`
# make peer-vo    the same questions to AstrID and to GAVO DaCHS, where Debian's packages of it are
# make chaos      10,000 verdicts from four clients while the server is killed twice
# make client     a typed Python client of the API, in var/client or OUT=DIR
# make check      linters, types, import contracts, migrations, deployment check, tests

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env demo test chaos peers peer-vo client check lock clean

BIN := .venv/bin
# Each process of the tests wants about 2 GB.
JOBS ?= 2
PYTEST = $(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadfile $(ARGS)
# Written last, so that an environment counts as complete only when it is.
STAMP := .venv/.complete
# TensorFlow prints its build options otherwise.
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:
	@sed -n 's/^# make/make/p' Makefile

env: $(STAMP)

# Installation is by uv, ten times faster than pip; pip is only there to fetch it.
$(STAMP): requirements.lock | $(BIN)/uv
	@$(BIN)/python deploy/uv_like_pip.py pip sync --python $(BIN)/python requirements.lock
	@touch $@

$(BIN)/uv:
	@python="$(PYTHON)"; \
	for name in python3.13 python3.12 python3.11 python3; do \
	  [ -n "$$python" ] && break; \
	  "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	    && python="$$name"; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "AstrID needs Python 3.11, 3.12 or 3.13 and found none: install one (on Debian or Ubuntu: apt-get install python3 python3-venv), or name it: make env PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$python cannot make virtual environments: apt-get install python3-venv" >&2; \
	  exit 1; \
	fi; \
	"$$python" -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet uv

demo: env
	@$(BIN)/python manage.py demo $(if $(DATA),--data "$(DATA)") $(if $(RULES),--rules "$(RULES)") \
	  $(if $(PORT),--port "$(PORT)") $(ARGS)

test: env
	@$(PYTEST)

chaos: env
	@$(BIN)/python manage.py benchmark chaos $(ARGS)

# An environment of their own: they are run, never imported, and are no part of the lock.
peers: $(BIN)/uv
	@$(BIN)/python -m venv --clear .venv-peers
	@$(BIN)/python deploy/uv_like_pip.py pip install --python .venv-peers/bin/python \
	  -r benchmarks/peers/requirements.txt

# A server of another program, with a database of its own, is built and asked beside ours.
peer-vo: env
	@$(BIN)/python -m pytest tests/catalog/vo/peer --peer-vo $(ARGS)

# Written from the description of the API; `pip install var/client` installs it anywhere.
OUT ?= var/client
client: env
	@mkdir -p $(OUT)
	@$(BIN)/python manage.py spectacular --format openapi-json --validate --fail-on-warn \
	  --file $(OUT).json
	@$(BIN)/openapi-python-client generate --path $(OUT).json --config deploy/client.yml \
	  --meta setup --overwrite --fail-on-warning --output-path $(OUT)

# The deployment check looks at the settings of a public installation.
check: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(BIN)/python manage.py makemigrations --check --dry-run
	DEBUG=0 ALLOWED_HOSTS=astrid.example.org \
	  SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/deptry .
	$(BIN)/djlint --check templates
	$(BIN)/djlint --lint templates
	$(PYTEST)

# ARGS=--upgrade takes the newest versions, otherwise what is locked stays.
lock: $(BIN)/uv
	$(BIN)/python deploy/uv_like_pip.py pip compile pyproject.toml --group dev --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet \
	  -o requirements.lock $(ARGS)

# The state folder (var/) holds data and stays.
clean:
	rm -rf .venv .venv-peers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
