# Each target does its own set-up: Python 3.11-3.13, make and a package index
# are all that a fresh machine needs.
#
#   make demo         fine-tune, export and try a classifier (minutes)
#   make pretrain-demo
#                     train an encoder from nothing but text (ten minutes)
#   make test         the test suite
#   make test-slow    the tests that take long
#   make test-peers   comparisons with PyTorch and others, run live
#   make bench        all benchmarks beside other libraries (hours);
#                     make bench-tokenizer: benchmarks/tokenizer.py alone
#   make lint         ruff, the linter and the formatter
#   make lock         resolve the locked versions anew
#   make clean        delete the environments
#
# `make PYTHON=python3.12 …` chooses the interpreter, `make VENV=DIR …` where
# the environment lies, and `make demo GPU=1` takes TensorFlow with NVIDIA's
# libraries (Linux; 7 GB).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo pretrain-demo test test-slow test-peers bench lint lock clean

# At 2 TensorFlow reports it as an error that a machine has no GPU.
export TF_CPP_MIN_LOG_LEVEL := \
  $(or $(filter 0 1,$(TF_CPP_MIN_LOG_LEVEL)),3)

VENV := .venv
DEMO_VENV := $(if $(GPU),.venv-gpu,$(VENV))
DEMO_LOCK := requirements$(if $(GPU),-gpu).lock

INTERPRETERS := $(or $(PYTHON),python3 python3.13 python3.12 python3.11 python)
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

# Every script there but the code that they share, and what takes an argument.
BENCHMARKS := $(filter-out harness seeds two_trees,$(patsubst \
  benchmarks/%.py,%,$(wildcard benchmarks/*.py)))

.PHONY: $(BENCHMARKS:%=bench-%)

define set_up
	@for python in $(INTERPRETERS); do \
	  if "$$python" -c '$(SUPPORTED)' 2>/dev/null; then \
	    exec "$$python" tools/set_up.py $(1); \
	  fi; \
	done; \
	echo "Python 3.11, 3.12 or 3.13 is needed, and none of these is one:" \
	  "$(INTERPRETERS). Install it, or name it: make PYTHON=/path/to/python" \
	  >&2; \
	exit 1
endef

help:
	@sed -n 's/^#   //p' Makefile

demo: $(DEMO_VENV)/demo.stamp
	@$(DEMO_VENV)/bin/python examples/demo.py

pretrain-demo: $(DEMO_VENV)/demo.stamp
	@$(DEMO_VENV)/bin/python examples/pretrain_demo.py

test: $(VENV)/test.stamp
	@$(VENV)/bin/python -m pytest -n 2 --dist loadfile

test-slow: $(VENV)/test.stamp
	@$(VENV)/bin/python -m pytest -m slow

test-peers: $(VENV)/test.stamp .venv-peers/peers.stamp \
  .venv-garden/garden.stamp .venv-beam/beam.stamp
	@$(VENV)/bin/python -m pytest -m peers
	@.venv-beam/bin/python -m pytest -m "not peers" tests/pretraining/test_beam.py

bench: $(BENCHMARKS:%=bench-%)

$(BENCHMARKS:%=bench-%): bench-%: $(VENV)/test.stamp .venv-peers/peers.stamp
	@$(VENV)/bin/python -m benchmarks.$*

bench-encoder_step bench-example_creation bench-pretraining_step: \
  .venv-garden/garden.stamp

lint: $(VENV)/test.stamp
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

lock: .venv-lock/lock.stamp
	@.venv-lock/bin/python tools/lock.py

clean:
	rm -rf $(VENV) .venv .venv-* demo_output pretrain_output

# What has no wheels.
SOURCES := benchmarks/peers/sources.lock

# A stamp is written only after everything is installed.
$(DEMO_VENV)/demo.stamp: $(DEMO_LOCK) pyproject.toml tools/set_up.py
	$(call set_up,$(DEMO_VENV) $(DEMO_LOCK) --editable .)
	@touch $@

$(VENV)/test.stamp: requirements-test.lock pyproject.toml tools/set_up.py
	$(call set_up,$(VENV) requirements-test.lock --editable .)
	@touch $@

# With dependencies: what PyTorch needs depends on the build that the index has.
.venv-peers/peers.stamp: benchmarks/peers/requirements.lock $(SOURCES) \
  tools/set_up.py
	$(call set_up,.venv-peers benchmarks/peers/requirements.lock \
	  --sources $(SOURCES) --dependencies)
	@touch $@

.venv-garden/garden.stamp: benchmarks/peers/garden.lock $(SOURCES) \
  tools/set_up.py
	$(call set_up,.venv-garden benchmarks/peers/garden.lock --sources $(SOURCES))
	@touch $@

.venv-beam/beam.stamp: benchmarks/peers/beam.lock pyproject.toml tools/set_up.py
	$(call set_up,.venv-beam benchmarks/peers/beam.lock --editable .)
	@touch $@

.venv-lock/lock.stamp: tools/uv.lock tools/set_up.py
	$(call set_up,.venv-lock tools/uv.lock)
	@touch $@
