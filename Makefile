PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

# The tests start some hundred processes that import the bridge: without stored bytecode each would compile it again.
unexport PYTHONDONTWRITEBYTECODE

# Stores and PostgreSQL of the tests are in memory if 4 GB of it are free: none of them must outlive a run.
MEMORY := $(shell df -k /dev/shm 2>/dev/null | awk 'END { if ($$4 > 4000000) print "/dev/shm" }')
IN_MEMORY := $(if $(MEMORY),TMPDIR=$(MEMORY) )

.PHONY: venv quick demo test coverage check audit release lock docs docs-site pictures image-check kill-burst kill-backfill \
  storms two-copies mutants bench bench-mapping test-real test-clients real-systems connector attack fuzz-api failover \
  throughput soak

venv: $(STAMP)

# The lock file pins every package with its hash; the project itself is then installed without its dependencies.
$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@echo "Installing the pinned packages into $(VENV), once: one to three minutes, 750 MB. pip is silent meanwhile."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# The tests that most mistakes break, in under a minute on two cores: no sockets, no PostgreSQL, no processes.
quick: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	HYPOTHESIS_PROFILE=quick $(if $(MEMORY),TMPDIR=$(MEMORY) )$(BIN)/python -m pytest -n 2 tests/unit $(LEFT_OUT)

# The unit tests that try the most values are left out; .ci/run runs them.
LEFT_OUT := $(addprefix --ignore=tests/unit/,connectors/test_hostile_callbacks.py app/test_every_mistake_once.py \
  mapping/test_generated.py sync/test_deciding_laws.py)

# Every test with branch coverage; processes that tests start count as well.
coverage: venv
	$(if $(MEMORY),TMPDIR=$(MEMORY) )$(BIN)/python -m pytest --cov --cov-report=term:skip-covered --cov-report=html

# The pinned packages against .ci/advisories.json, a dated list: needs no network.
audit: venv
	$(BIN)/python .ci/audit.py

# Wheel, sdist and CycloneDX SBOM in dist/.
release: venv audit
	rm -rf dist
	$(BIN)/python -c 'from hatchling.build import build_sdist, build_wheel; print(build_wheel("dist")); print(build_sdist("dist"))'
	$(BIN)/python .ci/sbom.py dist

demo: venv
	$(BIN)/bridge demo $(if $(ONCE),--once)

# Compile the bridge and rewrite the tests once; in a fresh clone each worker would do it again.
test: venv
	$(BIN)/python -m compileall -q -j 2 -x '/(test_[^/]*|conftest)\.py' bridge tests
	-$(BIN)/python .ci/rewrite.py
	$(if $(MEMORY),TMPDIR=$(MEMORY) )$(BIN)/python -m pytest

# The long kill test: 2,000 callbacks, three kill -9, on both stores.
kill-burst: venv
	$(BIN)/python -m tests.acceptance.kill_burst --records 2000 --kills 3 --store both

# A backfill of 5,000 records, ten kill -9 at random, while people edit: make kill-backfill ARGS="--store both --seed 3"
kill-backfill: venv
	$(BIN)/python -m tests.acceptance.kill_backfill --records 5000 --kills 10 $(ARGS)

# The bridge between a real CRM and a real ERP from PyPI, BottleCRM and Tryton, with failures.
# Packages and databases are kept in FOLDER between runs; needs Python 3.12 beside ours for BottleCRM.
test-real: venv
	$(BIN)/python -m tests.real --folder $(or $(FOLDER),var/real) --crm $(or $(filter bottlecrm pipedrive,$(CRM)),bottlecrm)

# Clients written by others, unchanged, against our simulators; their packages are kept in FOLDER between runs:
# make test-clients ONLY="pipedrive superoffice"
test-clients: venv
	$(BIN)/python -m tests.clients --folder $(or $(FOLDER),var/clients) $(ONLY)

# Only the two systems, until Ctrl-C, to try the bridge by hand: docs/tutorial.md.
real-systems: venv
	$(BIN)/python -m tests.real --folder $(or $(FOLDER),var/real) --serve

# A connector from the template; it passes the first part of the conformance suite unchanged: make connector NAME=acme
connector: venv
	$(BIN)/python -m tests.conformance.new_connector $(NAME)
	$(BIN)/ruff check --quiet --fix bridge tests
	$(BIN)/ruff format --quiet bridge tests

# Seeded storms, each over products in memory and over both simulators with the whole bridge: make storms SEEDS=200 FROM=1
storms: venv
	$(BIN)/python -m tests.storms --seeds $(or $(SEEDS),100) --from $(or $(FROM),1)

# Storms in real time: two instances on one PostgreSQL, kill -9, connections cut: make two-copies SEEDS=20 FROM=1 SECONDS=30
two-copies: venv
	$(BIN)/python -m tests.acceptance.two_copies --seeds $(or $(SEEDS),10) --from $(or $(FROM),1) --seconds $(or $(SECONDS),30)

# Strangers, forgers and hostile vendors against a running bridge: make attack SECONDS=60 SEED=1
attack: venv
	$(IN_MEMORY)$(BIN)/python -m tests.field.attack --seconds $(or $(SECONDS),60) $(if $(SEED),--seed $(SEED))

# Every operation of the admin API under schemathesis, on a bridge between two simulators, with a token of each role; takes
# about two minutes on two idle cores: make fuzz-api ARGS="--examples 30 --seed 2"
FUZZ_VENV := .venv.fuzz
SCHEMATHESIS := schemathesis==4.32.5

fuzz-api: venv $(FUZZ_VENV)/.installed
	$(IN_MEMORY)$(BIN)/python -m tests.field.fuzz_api $(CURDIR)/$(FUZZ_VENV)/bin/schemathesis $(ARGS)

$(FUZZ_VENV)/.installed:
	$(PYTHON) -m venv $(FUZZ_VENV)
	$(FUZZ_VENV)/bin/python -m pip install --quiet --disable-pip-version-check $(SCHEMATHESIS)
	@touch $@

# Three instances follow PostgreSQL from server to server, TIMES times in each run: make failover TIMES=20 ONLY=asynchronous
failover: venv
	$(IN_MEMORY)$(BIN)/python -m tests.field.failover --times $(or $(TIMES),20) $(if $(ONLY),--only $(ONLY))

# Callbacks a second with one, two and three instances on one PostgreSQL: make throughput RECORDS=600
throughput: venv
	$(IN_MEMORY)$(BIN)/python -m tests.field.failover.throughput --records $(or $(RECORDS),600)

# Steady edits with faults; does anything grow? make soak MINUTES=30 STORE=sqlite
soak: venv
	$(BIN)/python -m tests.field.soak --minutes $(or $(MINUTES),30) --store $(or $(STORE),both)

# Break one rule after the other in a copy of the code; does a test notice? make mutants RULES="canary tombstone"
mutants: venv
	$(BIN)/python -m tests.mutants.run $(RULES)

# The real daemon over the simulators, beside a forwarder that makes the same calls: make bench ARGS="--store both"
bench: venv
	$(BIN)/python -m tests.bench $(ARGS)

# Translations per second, and where their time goes.
bench-mapping: venv
	$(BIN)/python -m tests.unit.mapping.bench

check: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# The Dockerfile's own steps, in a clean folder as another user; and the image itself, built and run, where docker or
# podman runs.
image-check: venv
	IMAGE_CHECK=1 $(BIN)/python -m pytest -n 0 -rs tests/deploy/test_dockerfile.py tests/deploy/test_image.py

# Needs `uv`; only for changes of the dependencies. The image installs requirements.lock.
EXTRAS := --extra postgres --extra alerts --extra otel
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q $(EXTRAS) pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -q pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -q --group docs -o requirements-docs.lock

# The pages that are generated: settings from their model, systems from the manifests.
docs: venv
	$(BIN)/python -m bridge.cli.pages docs mappings

# The documentation as a site in site/, from mkdocs.yml: links and anchors are checked, and nothing is loaded from elsewhere
# when it is read. Needs npm, for the library that draws the pictures.
DOCS_VENV := .venv.docs
MERMAID   := mermaid-11.17.2.tgz
MERMAID_SHA256 := 6ad2f42c3fc26bbf9e45cbb6d11898972573ea52b33a5f4ff51952899f950ffd

docs-site: $(DOCS_VENV)/.installed $(DOCS_VENV)/mermaid.min.js
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict

$(DOCS_VENV)/.installed: requirements-docs.lock
	$(PYTHON) -m venv $(DOCS_VENV)
	$(DOCS_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

$(DOCS_VENV)/mermaid.min.js: | $(DOCS_VENV)/.installed
	cd $(DOCS_VENV) && npm pack --silent mermaid@$(MERMAID:mermaid-%.tgz=%)
	cd $(DOCS_VENV) && echo "$(MERMAID_SHA256)  $(MERMAID)" | sha256sum --check --quiet
	tar -xzOf $(DOCS_VENV)/$(MERMAID) package/dist/mermaid.min.js > $@
	rm $(DOCS_VENV)/$(MERMAID)


# The pictures of README.md and docs/admin.md, of a bridge with invented data; needs chromium. EVERY=folder: every page.
pictures: venv
	$(BIN)/python -m tests.admin.pictures docs/pictures $(if $(EVERY),--every $(EVERY))
