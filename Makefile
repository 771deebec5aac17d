# A machine needs python3, git and gcc; everything else is installed into virtual environments.
PYTHON ?= python3
VENV ?= .venv
LOWEST_VENV ?= .venv-lowest
JOBS ?= 2
SECONDS ?= 60
# How many random archives `make unpackers` makes.
ARCHIVES ?= 10500
# How many changed images `make loaders` makes.
COUNT ?= 10000
ACTIONLINT ?= v1.7.12
# Old Go toolchains are kept here.
GO_VERSIONS ?= .go-versions
# What `make programs` judges: parts of names, or module@version; without it all of tests/slow/programs/programs.toml.
ONLY ?=
# Root folders of real systems are kept here.
PLATFORM_ROOTS ?= .platform-roots
# Published binaries are kept here, outside the repository: 6 GB.
CORPUS ?= $(HOME)/.cache/pytest-golink/corpus

# Tests that depend on pytest's API: they run on the oldest supported pytest too.
PYTEST_API_TESTS = tests/collect tests/test_assertions.py $(addprefix tests/plugin/test_,errors.py golink_binary.py ini.py \
	marker.py report.py report_errors.py report_file.py switches.py)

# Tests that need no Linux; CI runs them on macOS and Windows, where `make` may not be there.
PORTABLE_TESTS = tests/text tests/lock tests/policy tests/remedies tests/test_portable.py

.DEFAULT_GOAL := help
.PHONY: help report test test-lowest lint bench corpus api schema format clean long ports versions platforms matrix fuzz unpackers loaders programs symbols browser services docs workflows dist container home

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

report: $(VENV)/.report ## Build and check the samples of sample_go/, and print a report
	$(VENV)/bin/python -m pytest sample_go --golink-report

test: $(VENV)/.test ## Run the tests, with branch coverage of the package
	rm -f .coverage .coverage.*
	$(VENV)/bin/python -m coverage run -m pytest -n $(JOBS)
	$(VENV)/bin/python -m coverage combine --quiet
	$(VENV)/bin/python -m coverage report

test-lowest: $(LOWEST_VENV)/.test ## Run the tests that depend on pytest's API on the oldest supported pytest
	$(LOWEST_VENV)/bin/python -m pytest -n $(JOBS) $(PYTEST_API_TESTS)

lint: $(VENV)/.lint ## Check style and types
	$(VENV)/bin/python -m ruff check
	$(VENV)/bin/python -m ruff format --check
	$(VENV)/bin/python -m mypy

ports: $(VENV)/.test ## Build and read samples for every port of Go, and with cgo through zig (long)
	nice $(VENV)/bin/python -m pytest -q tests/slow/matrix/ports.py tests/slow/matrix/zig.py --golink-crosscheck

versions: $(VENV)/.test ## Build and read samples with every Go since 1.15, in every build mode (long)
	$(VENV)/bin/python tests/slow/matrix/fetch_go.py $(GO_VERSIONS)
	GO_VERSIONS=$(GO_VERSIONS) nice $(VENV)/bin/python -m pytest -q tests/slow/matrix/versions.py tests/slow/matrix/modes.py tests/slow/matrix/shared.py tests/slow/matrix/upx.py tests/slow/matrix/authenticode.py --golink-crosscheck

long: $(VENV)/.test ## Run the tests that each compile one more standard library
	nice $(VENV)/bin/python -m pytest -m long

platforms: $(VENV)/.test ## Start images in root folders of real systems, and compare with runs-on (long; needs root or user namespaces)
	PLATFORM_ROOTS=$(PLATFORM_ROOTS) nice $(VENV)/bin/python -m pytest -q tests/slow/matrix/platforms.py

matrix: long ports versions ## Run long, ports and versions

bench: $(VENV)/.test ## Measure the cost of golink, as ratios to other commands
	$(VENV)/bin/python benchmarks/run.py

corpus: $(VENV)/.test ## Compare the reader with independent tools on published binaries (fetches 1.8 GB once)
	PYTHON=$(VENV)/bin/python tests/slow/corpus/fetch.sh $(CORPUS)
	$(VENV)/bin/python tests/slow/corpus/compare.py --slow $(CORPUS)/files

fuzz: $(VENV)/.test ## Try new random examples in the tests with Hypothesis, and damage images for SECONDS=60; SEED=number repeats the same damage; FORMATS="elf pe"
	$(VENV)/bin/python -m pytest -q -m hypothesis --hypothesis-profile=random
	$(VENV)/bin/python -m tests.slow.fuzz --seconds $(SECONDS) --jobs $(JOBS) $(if $(SEED),--seed $(SEED)) $(if $(FORMATS),--formats $(FORMATS))

api: $(VENV)/.test ## Write the helpers, the names for type checkers and the table of rules from the rules
	$(VENV)/bin/python -m tests.api

loaders: $(VENV)/.test ## Change images, and compare golink's answers with the kernel and the loaders: COUNT=10000 SEED=1 MUSL=folder of Debian's musl LINKERS=folder of its lld and mold
	nice $(VENV)/bin/python -m tests.slow.loaders --count $(COUNT) --seed $(or $(SEED),1) $(if $(MUSL),--musl $(MUSL)) $(if $(LINKERS),--linkers $(LINKERS))

programs: $(VENV)/.test ## Build published programs, and hold golink's facts, causes and remedies against witnesses (long): ONLY="runc age", ONLY=module//package@version
	nice $(VENV)/bin/python -m tests.slow.programs $(ONLY)

symbols: $(VENV)/.test ## Write the tables of symbols from Debian's packages
	nice $(VENV)/bin/python -m tests.slow.tables $(PLATFORM_ROOTS)/symbols

unpackers: $(VENV)/.test ## Compare golink with real unpackers on ARCHIVES=10000 random archives; SEED=number (Debian: apt-get install libarchive-tools unzip zip p7zip-full cpio rpm umoci)
	nice $(VENV)/bin/python -m pytest -q tests/slow/unpackers/rpmbuild.py
	nice $(VENV)/bin/python -m tests.slow.unpackers --archives $(ARCHIVES) --jobs $(JOBS) $(if $(SEED),--seed $(SEED))

schema: $(VENV)/.test ## Write the JSON Schemas of golink.toml and of the JSON report
	$(VENV)/bin/python -m pytest_golink.policy.schema > docs/golink.schema.json
	$(VENV)/bin/python -m pytest_golink.report.schema > docs/report.schema.json

browser: $(VENV)/.browser ## Test the HTML report in a headless Chromium (Debian: apt-get install chromium chromium-driver)
	nice $(VENV)/bin/python -m pytest -q -s tests/slow/browser/pages.py

services: $(VENV)/.services ## Run the GitHub action, the pre-commit hook and the other examples of docs/ci.md (long)
	nice $(VENV)/bin/python -m pytest -q tests/slow/services/services.py

docs: $(VENV)/.docs ## Build the documentation site into docs/_build, and check each of its links
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going -q -b html -c docs/site docs docs/_build
	$(VENV)/bin/python -m docs.site.links docs/_build

workflows: $(VENV)/.release ## Check the workflows and the action by their schemas, with actionlint and with zizmor
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(VENV)/bin/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(VENV)/bin/go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT) -color
	$(VENV)/bin/zizmor --offline --persona pedantic .github action.yml

dist: $(VENV)/.release ## Build the wheel and the sdist into dist/, and check them
	rm -rf dist build
	$(VENV)/bin/python -m build
	$(VENV)/bin/twine check --strict dist/*
	$(VENV)/bin/check-wheel-contents dist/*.whl
	$(VENV)/bin/pyroma --min=8 dist/*.tar.gz

container: dist ## Build the container images with podman, and let each do its work (long)
	.ci/container dist/*.whl

home: ## Write the project's home, once it is known: OWNER=account
	$(PYTHON) -m tests.home "$(OWNER)"

format: $(VENV)/.lint ## Format the code
	$(VENV)/bin/python -m ruff check --fix
	$(VENV)/bin/python -m ruff format

clean: ## Remove everything that these targets make
	rm -rf docs/_build $(VENV) $(LOWEST_VENV) $(GO_VERSIONS) $(PLATFORM_ROOTS) .loaders build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* .fuzz

# Debian's python3 has no ensurepip, but its pip can install into an environment without pip.
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

# axe-playwright-python brings a recent axe-core from PyPI; Playwright, its dependency, is not needed.
$(VENV)/.browser: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,browser]'
	$(VENV)/bin/python -m pip install --quiet --no-deps 'axe-playwright-python>=0.1.8'
	@touch $@

$(VENV)/.services: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,services]'
	@touch $@

$(VENV)/.lint: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,lint]'
	@touch $@

$(VENV)/.docs: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[docs]'
	@touch $@

$(VENV)/.release: pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/python -m pip install --quiet -e '.[test,release]'
	@touch $@

$(LOWEST_VENV)/.test: pyproject.toml | $(LOWEST_VENV)/bin/python
	$(LOWEST_VENV)/bin/python -m pip install --quiet -e '.[test]' 'pytest==8.4.0'
	@touch $@
