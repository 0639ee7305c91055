# The front door: one command a thing. `make help` lists them.
# The work itself is done by CMake presets (CMakePresets.json), ctest and the scripts in tools/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
JOBS ?= $(shell nproc)
LISTEN ?= 127.0.0.1:8080
ARGS ?=

.PHONY: help setup build optimised run test bench lint format fuzz soak package clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: ## install every Debian and npm package needed; quick when nothing is missing (as root)
	@tools/setup.sh

build: ## the release binary, build/release/mettle; prints the ten slowest files
	@tools/setup.sh --no-bench
	begun=$$SECONDS
	tools/build.sh release mettle
	python3 tools/slowest.py build/release
	echo "build/release/mettle, after $$((SECONDS - begun)) s"

optimised: ## the binary that is shipped, build/optimised/mettle: the release, optimised by what a load did; a quarter of an hour
	@tools/setup.sh --no-bench
	tools/build_optimised.sh

run: build ## the example shop, seeded, on http://127.0.0.1:8080 (LISTEN=addr:port)
	@tools/run_shop.sh "$(LISTEN)" $(ARGS)

test: ## everything that must hold before a change lands: tools/test.sh says what
	@tools/setup.sh --no-bench
	tools/test.sh $(ARGS)

bench: ## measure against nginx and against Fastify + better-sqlite3, in one run
	@tools/setup.sh
	bench/run $(ARGS)

lint: ## clang-format, clang-tidy on what changed, tools/lint.py
	@tools/setup.sh --no-bench
	tools/check_style.sh

format: ## rewrite the C++ sources as clang-format wants them
	@git ls-files -z 'src/*.h' 'src/*.cc' 'include/*.h' 'examples/*.cc' 'examples/*.h' 'tests/*.cc' 'bench/*.cc' \
	  | xargs -0 -r clang-format-19 -i

fuzz: ## run each fuzz target for SECONDS_EACH (60)
	@tools/setup.sh --no-bench
	tools/fuzz.sh "$${SECONDS_EACH:-60}"

soak: ## the long runs of a release, some seventy minutes; ARGS="--only kills disk" takes some (tests/chaos/soak.py)
	@tools/setup.sh --no-bench
	tools/build.sh release mettle
	tools/build.sh dev mettle sim twins access_check http_probe
	tools/build.sh asan mettle
	tools/build.sh tsan mettle
	nice python3 tests/chaos/soak.py $(ARGS)

package: ## Debian package, archive and bill of materials in build/package (ARGS="--binary build/release/mettle" takes another)
	@case "$(ARGS)" in *--binary*) ;; *) $(MAKE) --no-print-directory optimised ;; esac
	python3 tools/package.py $(ARGS)

clean: ## remove what builds left, but not what setup fetched
	@rm -rf build/dev build/asan build/tsan build/release build/profiling build/optimised build/fuzz build/run
