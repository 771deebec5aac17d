# Everything is set up in virtual environments of its own; python3, git and gcc are all a machine needs.
PYTHON ?= python3
VENV ?= .venv
LOWEST_VENV ?= .venv-lowest
JOBS ?= 2
SECONDS ?= 60
ARCHIVES ?= 10500
# Where old Go toolchains are kept.
GO_VERSIONS ?= .go-versions
# Root folders of real systems are kept here.
PLATFORM_ROOTS ?= .platform-roots
# Real binaries are kept outside the repository: 6 GB.
CORPUS ?= $(HOME)/.cache/pytest-golink/corpus

# What a change of pytest's own would break.
KNOWS_PYTEST = tests/collect tests/test_assertions.py $(addprefix tests/plugin/test_,errors.py golink_binary.py ini.py \
	marker.py report.py report_errors.py report_file.py switches.py)

.DEFAULT_GOAL := help
.PHONY: help report test test-lowest lint bench corpus schema format clean long ports versions platforms matrix fuzz unpackers browser integration

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

report: $(VENV)/.report ## Build the samples of sample_go/, check them and print the report
	$(VENV)/bin/python -m pytest sample_go --golink-report

test: $(VENV)/.test ## Pass the tests, with the package's branch coverage
	rm -f .coverage .coverage.*
	$(VENV)/bin/python -m coverage run -m pytest -n $(JOBS)
	$(VENV)/bin/python -m coverage combine --quiet
	$(VENV)/bin/python -m coverage report

test-lowest: $(LOWEST_VENV)/.test ## Pass the tests of what knows pytest on the oldest that is supported
	$(LOWEST_VENV)/bin/python -m pytest -n $(JOBS) $(KNOWS_PYTEST)

lint: $(VENV)/.lint ## Check style and types
	$(VENV)/bin/python -m ruff check
	$(VENV)/bin/python -m ruff format --check
	$(VENV)/bin/python -m mypy

ports: $(VENV)/.test ## Build and read samples for every port of Go, and cgo through zig: long
	nice $(VENV)/bin/python -m pytest -q tests/slow/matrix/ports.py tests/slow/matrix/zig.py --golink-crosscheck

versions: $(VENV)/.test ## Build and read samples with every Go since 1.15, in every build mode: long
	$(VENV)/bin/python tests/slow/matrix/fetch_go.py $(GO_VERSIONS)
	GO_VERSIONS=$(GO_VERSIONS) nice $(VENV)/bin/python -m pytest -q tests/slow/matrix/versions.py tests/slow/matrix/modes.py tests/slow/matrix/shared.py tests/slow/matrix/upx.py --golink-crosscheck

long: $(VENV)/.test ## Pass the tests that compile one more standard library each
	nice $(VENV)/bin/python -m pytest -m long

platforms: $(VENV)/.test ## Start images in root folders of real systems, and hold runs-on against that: long; root or user namespaces
	PLATFORM_ROOTS=$(PLATFORM_ROOTS) nice $(VENV)/bin/python -m pytest -q tests/slow/matrix/platforms.py

matrix: long ports versions ## All three

bench: $(VENV)/.test ## Measure what golink costs, as ratios
	$(VENV)/bin/python benchmarks/run.py

corpus: $(VENV)/.test ## Compare the reader with independent tools on real binaries (fetches 1.8 GB once)
	PYTHON=$(VENV)/bin/python tests/slow/corpus/fetch.sh $(CORPUS)
	$(VENV)/bin/python tests/slow/corpus/compare.py --slow $(CORPUS)/files

fuzz: $(VENV)/.test ## Damage images for SECONDS=60, with SEED=number to see the same damage again; FORMATS="elf pe"
	$(VENV)/bin/python -m tests.slow.fuzz --seconds $(SECONDS) --jobs $(JOBS) $(if $(SEED),--seed $(SEED)) $(if $(FORMATS),--formats $(FORMATS))

unpackers: $(VENV)/.test ## Hold ARCHIVES=10000 random archives against real unpackers; SEED=number (Debian: apt-get install libarchive-tools unzip zip p7zip-full cpio rpm umoci)
	nice $(VENV)/bin/python -m tests.slow.unpackers --archives $(ARCHIVES) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

schema: $(VENV)/.test ## Write the JSON Schema of golink.toml from what the parser declares
	$(VENV)/bin/python -m pytest_golink.policy.schema > docs/golink.schema.json

browser: $(VENV)/.browser ## Look at the HTML report in a headless Chromium (Debian: apt-get install chromium chromium-driver)
	nice $(VENV)/bin/python -m pytest -q -s tests/slow/browser/pages.py

integration: $(VENV)/.integration ## Run the GitHub action, the pre-commit hook and the other examples of docs/ci.md: long
	nice $(VENV)/bin/python -m pytest -q tests/integration/services.py

format: $(VENV)/.lint ## Lay the code out
	$(VENV)/bin/python -m ruff check --fix
	$(VENV)/bin/python -m ruff format

clean: ## Remove all that was made
	rm -rf $(VENV) $(LOWEST_VENV) $(GO_VERSIONS) $(PLATFORM_ROOTS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* .fuzz

# Debian's python3 comes without ensurepip, but its pip can install into an environment that has none.
define venv
	@$(PYTHON) -m venv $(1) 2>/dev/null || { rm -rf $(1); $(PYTHON) -m venv --without-pip $(1); }
	@$(1)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m pip --python $(1)/bin/python install --quiet pip
endef

$(VENV)/bin/python:
	$(call venv,$(VENV))

$(LOWEST_VENV)/bin/python:
	$(call venv,$(LOWEST_VENV))

$(VENV)/.report: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[go]'
	@touch $@

$(VENV)/.test: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test]'
	@touch $@

# This package is the way to a recent axe-core on PyPI; what drives its own browser is not needed.
$(VENV)/.browser: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,browser]'
	$(VENV)/bin/python -m pip install --quiet --no-deps 'axe-playwright-python>=0.1.8'
	@touch $@

$(VENV)/.integration: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,integration]'
	@touch $@

$(VENV)/.lint: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,lint]'
	@touch $@

$(LOWEST_VENV)/.test: pyproject.toml | $(LOWEST_VENV)/bin/python
	$(LOWEST_VENV)/bin/python -m pip install --quiet -e '.[test]' 'pytest==8.4.0'
	@touch $@
