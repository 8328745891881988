# The face of the build; CMake does the work (CMakePresets.json). `make help` lists what there is.
# `make run` and `make test` need nothing beforehand: tools/setup installs what is missing.
.DEFAULT_GOAL := build
.PHONY: help run test build bench docs format lint fuzz asan tsan install clean

PREFIX ?= /usr/local
setup = engine=$$(tools/setup --print-engine-dir --for

# $(call build,FOR,PRESET,CONFIGURE OPTIONS,TARGET): what tools/setup --for FOR gives, then CMake
define build
engine=$$(tools/setup --for $(1) --print-engine-dir) && \
tools/build $(2) $(4) -- -DWARD_ENGINE_DIR="$$engine" $(3)
endef

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: ## build, and run the quickstart
	@$(call build,run,release,,quickstart)
	@exec build/ward run examples/quickstart/ward.yaml

test: ## build, and run every test
	@$(call build,test,release,-DWARD_TESTS=ON,all)
	@ctest --preset release

build: ## build/ward and the libraries, optimised
	@$(call build,run,release,,ward)
