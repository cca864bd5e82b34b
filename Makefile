# Every command of a working copy; `make` alone lists them. Nothing outside this folder is changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

PYTHON ?= python3
# Tests run in this many processes; most of them wait for programs to start.
WORKERS ?= 2
VENV := .venv
HUB55 := .venv-hub55
BIN := $(VENV)/bin
DONE := $(VENV)/done
UV := $(BIN)/uv
# Compiled here once: many processes start from these, and some of them may not write beside the sources.
SYNC := $(UV) pip sync --quiet --compile-bytecode --require-hashes --python
INSTALL := $(UV) pip install --quiet --compile-bytecode --require-hashes --no-deps --python
WHEEL := $(UV) pip install --quiet --compile-bytecode --no-deps --reinstall --python

# What runs is the installed wheel: neither this folder nor a caller's PYTHONPATH may stand before it.
export PYTHONSAFEPATH := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV CONDA_PREFIX
export PATH := $(CURDIR)/$(BIN):$(PATH)
export CONFIGURABLE_HTTP_PROXY := $(CURDIR)/$(VENV)/proxy/node_modules/.bin/configurable-http-proxy

# Folders too: their time changes when a file goes.
SOURCES := setup.cfg pyproject.toml LICENSE README.md \
	$(shell find jupyterhub_courses config/singleuser \( -name __pycache__ -o -name '.*' \) -prune -o -print)

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# -- the environment ---------------------------------------------------------------------------------------------

.PHONY: install
install: $(DONE)/wheel $(DONE)/proxy ## make .venv with the command jupyterhub-courses, from locked requirements

$(DONE)/tools: requirements/build.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; \
	$(PYTHON) is " + sys.version.split()[0] + ". Say which: make PYTHON=/path/to/python install")'
	@echo "Making $(VENV) …"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $<
	@mkdir -p $(@D) && touch $@

$(DONE)/demo: requirements/demo.txt $(DONE)/tools
	@echo "Installing the locked requirements …"
	$(SYNC) $(BIN)/python requirements/build.txt $<
	@touch $@

# build/ and the egg-info remember files that are gone: away with them first.
$(DONE)/wheel: $(SOURCES) $(DONE)/demo
	@echo "Installing jupyterhub-courses …"
	@rm -rf build dist jupyterhub_courses.egg-info
	$(UV) build --quiet --wheel --no-build-isolation --python $(BIN)/python --out-dir dist
	$(WHEEL) $(BIN)/python dist/*.whl
	@touch $@

$(DONE)/proxy: proxy/package.json proxy/package-lock.json $(DONE)/tools
	@node -e 'if (+process.versions.node.split(".")[0] < 20) process.exit(1)' 2>/dev/null \
		|| { echo "The hub's proxy needs Node.js 20 or newer (node and npm on the PATH)." >&2; exit 1; }
	@echo "Installing the proxy …"
	@mkdir -p $(VENV)/proxy && cp proxy/package.json proxy/package-lock.json $(VENV)/proxy/
	cd $(VENV)/proxy && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(DONE)/test: requirements/test.txt $(DONE)/demo
	@echo "Installing the tools of the tests …"
	$(INSTALL) $(BIN)/python -r $<
	@touch $@

$(DONE)/hub55: requirements/hub55.txt $(DONE)/wheel
	@echo "Making $(HUB55): the hub's side on the oldest supported hub …"
	[ -x $(HUB55)/bin/python ] || $(UV) venv --quiet --no-project --python $(BIN)/python $(HUB55)
	$(SYNC) $(HUB55)/bin/python $<
	$(WHEEL) $(HUB55)/bin/python dist/*.whl
	$(UV) pip check --quiet --python $(HUB55)/bin/python
	@touch $@

# Open edX's LTI component (AGPL) is equipment of the tests: in environments of its own, and in none of our locks.
# Where its files or a package index are missing, the tests name what they leave out.
OPENEDX := $(or $(JUPYTERHUB_COURSES_OPENEDX),../shared/openedx)

.PHONY: openedx
openedx: .venv-openedx-9.14.5/done .venv-openedx-11.4.4/done ## make the environments of Open edX's LTI component, for its tests

.venv-openedx-%/done: $(wildcard $(OPENEDX)/*.txt) $(DONE)/tools
	@[ -f "$(OPENEDX)/constraints.txt" ] || exit 0; echo "Making $(@D) …"; rm -rf $(@D); \
	if $(UV) venv --quiet --no-project --python $(BIN)/python $(@D) \
	&& sed 's/^lti-consumer-xblock==.*/lti-consumer-xblock==$*/' "$(OPENEDX)/constraints.txt" \
	| $(UV) pip install --quiet --compile-bytecode --python $(@D)/bin/python -r -; \
	then touch $@; else rm -rf $(@D); echo "Open edX's LTI component $* cannot be had here" >&2; fi

# -- images ------------------------------------------------------------------------------------------------------

# Where a program like ../shared/cluster/cluster is, it builds them and loads them into its cluster; elsewhere docker does.
CLUSTER := $(wildcard ../shared/cluster/cluster)
IMAGES := hub service ngshare singleuser
TAG ?= 1
# name, folder, Dockerfile
define build_image
	@echo "Building courses-$(1):$(TAG) …"
	$(if $(CLUSTER),$(CLUSTER) image $(2) courses-$(1):$(TAG) -f $(CURDIR)/$(3),docker build -q -t courses-$(1):$(TAG) -f $(3) $(2)) >/dev/null

endef

.PHONY: images
images: ## build the images of images/
	$(foreach name,$(IMAGES),$(call build_image,$(name),.,images/$(name)/Dockerfile))

.PHONY: test-images
test-images: images $(DONE)/proxy ## build them, and a proxy's for the tests of a cluster
	$(call build_image,test-proxy,$(VENV)/proxy,tests/cluster/proxy.Dockerfile)

# -- the demo ----------------------------------------------------------------------------------------------------

.PHONY: demo
demo: install ## start everything on this machine and say where to click; Ctrl-C ends it (ARGS="--check" plays the story)
	@exec $(BIN)/jupyterhub-courses demo $(ARGS)

.PHONY: demo-reset
demo-reset: install ## forget the demo's state
	@exec $(BIN)/jupyterhub-courses demo --reset

# -- checks ------------------------------------------------------------------------------------------------------

.PHONY: test
test: test-hub55 test-all ## make what the tests need and run all of them

.PHONY: test-all
test-all: install $(DONE)/test openedx ## run the tests on the newest hub (ARGS="-k name" and the like)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

.PHONY: test-hub55
test-hub55: install $(DONE)/hub55 ## run the hub side's tests on the oldest supported hub
	PATH="$(CURDIR)/$(HUB55)/bin:$$PATH" $(HUB55)/bin/python -m pytest -n $(WORKERS) --dist loadscope \
		--no-loadscope-reorder tests/hub tests/spawner_cluster $(ARGS)

.PHONY: test-cluster
test-cluster: install $(DONE)/test ## run the tests of a cluster on the one that KUBECONFIG names; it has the images of make images
	@kubectl get --raw /readyz >/dev/null \
		|| { echo "No cluster answers: kubectl and KUBECONFIG name the one to test on." >&2; exit 1; }
	$(BIN)/python -m pytest tests/cluster $(ARGS)

.PHONY: lint
lint: $(DONE)/test ## ruff
	$(BIN)/ruff check .

.PHONY: types
types: $(DONE)/test ## mypy, strict on core, use cases and adapters
	$(BIN)/mypy

.PHONY: layers
layers: $(DONE)/test ## imports go one way only
	$(BIN)/lint-imports

.PHONY: docs
docs: $(DONE)/test ## build the documentation into site/; a broken link fails
	$(BIN)/mkdocs build --quiet --strict

.PHONY: check
check: test lint types layers docs ## everything that has to be green

.PHONY: bench
bench: install $(DONE)/test openedx ## print the ratios of benchmarks/
	$(BIN)/python benchmarks/deliver.py
	$(BIN)/python benchmarks/moodle.py
	$(BIN)/python benchmarks/openedx.py
	$(BIN)/python benchmarks/drain.py
	$(BIN)/python benchmarks/roster.py
	$(BIN)/python benchmarks/rush.py
	$(BIN)/python benchmarks/gradebook.py
	$(BIN)/python benchmarks/launch.py
	$(BIN)/python benchmarks/crowd.py
	$(BIN)/python benchmarks/cluster.py

# -- upkeep ------------------------------------------------------------------------------------------------------

LOCK := compile --quiet --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock" \
	-c requirements/constraints.txt $(if $(UPGRADE),--upgrade)
# Images hold what the suite runs with, but for what z2jh pins.
LOCK_IMAGE := $(UV) pip $(LOCK) -c requirements/z2jh-hub.txt -c $(DONE)/tested.txt --no-annotate setup.cfg

.PHONY: lock
lock: $(DONE)/tools ## make requirements/*.txt and the proxy's lock anew (UPGRADE=1 takes newer versions)
	$(UV) pip $(LOCK) requirements/build.in -o requirements/build.txt
	$(UV) pip $(LOCK) setup.cfg --extra demo -c requirements/build.txt -o requirements/demo.txt
	$(UV) pip $(LOCK) setup.cfg --extra demo --extra test --extra dev -c requirements/demo.txt -o requirements/test.txt
	$(UV) pip $(LOCK) setup.cfg --extra hub --extra test-hub -c requirements/z2jh-hub.txt -o requirements/hub55.txt
	sed -n 's/^\([a-z0-9][^ ]*==[^ ]*\)\( ;[^\\]*\)\?.*/\1\2/p' requirements/demo.txt \
		| grep -viEf <(sed -n 's/^\([A-Za-z].*==\).*/^\1/p' requirements/z2jh-hub.txt) > $(DONE)/tested.txt
	$(LOCK_IMAGE) --extra hub requirements/image-hub.in -o requirements/image-hub.txt
	$(LOCK_IMAGE) --extra service -o requirements/image-service.txt
	$(LOCK_IMAGE) --extra exchange -o requirements/image-ngshare.txt
	$(LOCK_IMAGE) --extra singleuser -o requirements/image-singleuser.txt
	cd proxy && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund \
		--loglevel=error

.PHONY: clean
clean: ## remove what these commands made, but for the demo's state
	rm -rf $(VENV) $(HUB55) .venv-openedx-* build dist site jupyterhub_courses.egg-info .mypy_cache .pytest_cache \
		.ruff_cache .import_linter_cache .hypothesis
