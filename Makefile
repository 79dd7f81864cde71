# Includes make/*.mk, which hold the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := test
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
CARGO_TARGET_DIR ?= $(ROOT)/target
export CARGO_TARGET_DIR

# Cargo builds with this package in each command of the tests in Rust, so that they all share one build of the
# dependencies; see tests/house/one-build.
ONE_BUILD := -p hightouch-one-build --features hightouch-one-build/rust

include $(sort $(wildcard make/*.mk))
