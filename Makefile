# Includes make/*.mk, which hold the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := test
ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
CARGO_TARGET_DIR ?= $(ROOT)/target
export CARGO_TARGET_DIR

include $(sort $(wildcard make/*.mk))
