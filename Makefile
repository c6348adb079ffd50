# Thin: every target that does the work calls the `kgplan` command.
# Override with e.g. `make demo SOURCE=/data/MOOCCube.zip` or `make serve PORT=9000`.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
SOURCE ?= data/mooccube-cs.zip
PORT   ?= 8000
PAPER  ?= kg-plppm
ARGS   ?=
JOBS   ?= 2
EXTRAS ?= embed,dev
CASES  ?= 100000
SEED   ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
UV     := $(BIN)/uv
PINS   ?= -c constraints.txt

.DEFAULT_GOAL := help

# The environment is complete when this file is newer than what it was made from.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "kgplan needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) \
	  || { echo "cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@test -x $(UV) || $(BIN)/python -m pip install -q --disable-pip-version-check $(PINS) uv
	$(UV) pip install -q --python $(BIN)/python $(PINS) -e '.[$(EXTRAS)]'
	@touch $@

.PHONY: help setup demo test test-newest test-image check format explorer explorer-types check-explorer reference screenshots serve etl graph neo4j neo4j-stop neo4j-status embed reembed diagnose similarity resources engagement coldstart paper fuzz bench figures plan-figures simulate experiments load oracle constraints clean

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## make the environment in .venv (every target does so when needed)

demo: setup ## the main job on real rows: files -> graph -> model -> one learner's path
	$(BIN)/kgplan demo $(SOURCE) $(ARGS)

# A thread that waits leaves the processor to the other processes. Bytecode is kept, whatever the
# environment says: the tests start many processes, and each would compile every module again.
test: setup ## all tests (benchmarks apart), on JOBS=2 processes
	PYTHONDONTWRITEBYTECODE= OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m pytest -n $(JOBS) --dist loadgroup \
	  --no-loadscope-reorder $(ARGS)

test-newest: ## the same with the newest versions of everything, in .venv-newest
	rm -f .venv-newest/.ready
	$(MAKE) test VENV=.venv-newest PINS=--upgrade

test-image: setup ## build the image and run it, with buildah as root
	$(BIN)/python -m pytest tests/image -o norecursedirs='.*' $(ARGS)

check: setup ## formatting, lint, layers and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	@if $(BIN)/python explorer/build.py node > /dev/null; then $(BIN)/python explorer/build.py check; \
	  else echo "explorer not checked: $$($(BIN)/python explorer/build.py node)"; fi

format: setup ## format and fix what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

explorer: setup ## build the page at / with Node, where its sources have changed
	$(BIN)/python explorer/build.py

explorer-types: setup ## the explorer's types from the service's description
	$(BIN)/python explorer/build.py types

reference: setup ## docs/reference/ from the code: commands, options, configuration, problems
	$(BIN)/python docs/reference.py

screenshots: setup explorer ## take docs/pictures/explorer-*.png from the model in KGPLAN_HOME
	PYTHONPATH=tests $(BIN)/python tests/explorer/screenshots.py docs/pictures $(ARGS)

check-explorer: setup ## the explorer's formatting, lint and types
	$(BIN)/python explorer/build.py check

serve: setup ## the HTTP service on loopback without tokens, PORT=8000
	-@$(BIN)/python explorer/build.py  # without Node the service has a smaller page
	$(BIN)/kgplan serve --dev --port $(PORT) $(ARGS)

etl: setup ## extract, map, check: SOURCE=data/mooccube-cs.zip
	$(BIN)/kgplan etl run $(SOURCE) $(ARGS)

graph: setup ## load the checked triples into the graph database
	$(BIN)/kgplan graph load $(ARGS)

neo4j: setup ## get and start a Neo4j server on loopback; needs Java 17+ and Maven
	$(BIN)/kgplan neo4j start $(ARGS)

neo4j-stop: setup ## stop it; its graph stays
	$(BIN)/kgplan neo4j stop

neo4j-status: setup ## whether it runs, and where
	$(BIN)/kgplan neo4j status $(ARGS)

embed: setup ## train TransR on the graph's triples; WARM=1 from the last vectors
	$(BIN)/kgplan embed $(if $(WARM),--warm) $(ARGS)

reembed: setup ## vectors, diagnosis, similarity and ranking of the current graph, then one switch; WARM=1
	$(BIN)/kgplan reembed $(if $(WARM),--warm) $(ARGS)

diagnose: setup ## fit V-DINA: slip, guess, every learner's mastery
	$(BIN)/kgplan diagnose $(ARGS)

similarity: setup ## semantic and collaborative similarity, and their fusion
	$(BIN)/kgplan similarity $(ARGS)

resources: setup ## what ranks the resources of every step
	$(BIN)/kgplan resources train $(ARGS)

engagement: setup ## whether the next view is completed: fit it, and hold learners back
	$(BIN)/kgplan engagement train $(ARGS)

coldstart: setup ## whom a new learner is like: train the network
	$(BIN)/kgplan coldstart train $(ARGS)

paper: setup ## the tables of a paper beside what was published, PAPER=kg-plppm; minutes
	$(BIN)/kgplan paper $(PAPER) $(ARGS)

fuzz: setup ## odd requests, statements and archives, and all property tests: CASES=100000, SEED=any
	FUZZ_CASES=$(CASES) $(BIN)/python -m pytest tests -m hypothesis \
	  --hypothesis-profile=fuzz --hypothesis-seed=$(SEED) \
	  --hypothesis-show-statistics $(ARGS)

bench: setup ## benchmarks, as ratios against a baseline in the same run
	$(BIN)/python -m pytest tests/bench -o testpaths=tests/bench -o norecursedirs= --no-header -q -s $(ARGS)

figures: setup ## measure what docs/measured.md says of the sample, and write it there
	$(BIN)/python tests/bench/figures.py

plan-figures: setup ## what plans look like, over all enrolments of the sample, into docs/measured.md
	$(BIN)/python tests/bench/plans.py --write $(ARGS)

simulate: setup ## who brings simulated learners furthest, all simulators, into docs/experiments/simulators.md
	$(BIN)/python tests/bench/simulators.py --write $(ARGS)

experiments: setup ## docs/experiments.md from what the experiments saved in docs/experiments/
	$(BIN)/kgplan experiment page docs/experiments --out docs/experiments.md

load: setup ## homes of generated learners in the temporary folder, then load on the service; needs wrk
	$(BIN)/python tests/bench/load $(ARGS)

oracle: setup ## compare all learners' plans in all courses with the walk by Cypher (minutes)
	$(BIN)/python tests/bench/oracle.py $(ARGS)

constraints: setup ## pin the newest allowed versions again
	$(UV) pip compile -q --universal --python-version 3.11 --no-header --no-annotate --all-extras pyproject.toml -o constraints.txt --upgrade
	@$(BIN)/python -m pip --disable-pip-version-check list --format=freeze | grep -i '^uv==' >> constraints.txt

clean: ## remove the environment, caches and results
	rm -rf $(VENV) .venv-newest var dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks kgplan/api/page/dist explorer/node_modules
