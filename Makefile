# The face of the build; CMake does the work (CMakePresets.json). `make help` lists what there is.
# Nothing is needed beforehand: tools/setup installs what is missing.
.DEFAULT_GOAL := build
.PHONY: help run test build bench docs format lint fuzz asan tsan soak install clean

.SHELLFLAGS = -ec

PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 1800
SOAK_SEED ?= 1
sources = $$(git ls-files '*.c' '*.h' '*.cpp')

# $(call build,FOR,PRESET): what tools/setup --for FOR installs, then CMake
define build
engine=$$(tools/setup --for $(1) --print-engine-dir); \
cmake --preset $(2) -DWARD_ENGINE_DIR="$$engine" >/dev/null; \
cmake --build --preset $(2)
endef

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: build ## build, and run the quickstart
	@exec build/ward run examples/quickstart/ward.yaml

test: ## build, and run every test
	@$(call build,test,release)
	@ctest --preset release -j "$$(nproc)"

build: ## the optimised build: build/ward, build/libward.so
	@$(call build,run,release)

bench: build ## measure against the peer; writes build/bench.json
	@bench/run

docs: ## the API reference, in build/docs/html; an undocumented public symbol is an error
	@tools/setup --for ci
	@mkdir -p build && doxygen docs/Doxyfile

format: ## format the sources
	@tools/setup --for ci
	@clang-format -i $(sources)

lint: ## rooms, format and clang-tidy
	@tools/setup --for ci
	@tools/lint

fuzz: ## every fuzz target for FUZZ_SECONDS=60 each
	@$(call build,ci,fuzz)
	@tools/fuzz $(FUZZ_SECONDS)

asan: ## every test under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(call build,ci,asan)
	@ctest --preset asan -j "$$(nproc)"

tsan: ## the threaded tests under ThreadSanitizer
	@$(call build,ci,tsan)
	@ctest --preset tsan -j "$$(nproc)"

soak: ## SOAK_SECONDS=1800 of random traps, hangs, floods and restarts; SOAK_SEED=1
	@$(call build,test,release)
	@build/tests/soak/soak --seconds $(SOAK_SECONDS) --round 10 --seed $(SOAK_SEED) tests/soak/actor.wat

install: ## install what `make` has built, under PREFIX=/usr/local
	@test -e build/ward || { echo "Nothing is built yet: run make first." >&2; exit 1; }
	@cmake --install build --prefix "$(PREFIX)"
	@test -n "$(DESTDIR)" || test "$$(id -u)" != 0 || ldconfig # so that programs find the library

clean: ## remove what was built here; the engine stays in its cache
	@rm -rf build build-*
