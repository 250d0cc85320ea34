# Two commands matter: `make demo` runs the main job, `make test` passes all tests.
# Each builds its own environment from nothing, and again when pyproject.toml has changed.

PYTHON ?= python3
PIP = pip install --quiet --disable-pip-version-check

.PHONY: demo test lint bench clean

demo: .venv/ready
	.venv/bin/python examples/demo.py demo-out

test: .venv-test/ready lint
	.venv-test/bin/coverage erase
	.venv-test/bin/coverage run -m pytest
	.venv-test/bin/coverage combine --quiet
	.venv-test/bin/coverage report

lint: .venv-test/ready
	.venv-test/bin/ruff check
	.venv-test/bin/ruff format --check
	.venv-test/bin/mypy

bench: .venv-test/ready
	.venv-test/bin/python benchmarks/pipeline.py

.venv/ready: pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/$(PIP) --editable .
	touch $@

.venv-test/ready: pyproject.toml
	rm -rf .venv-test
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/$(PIP) --editable '.[dev,audit,clip,diffusers,kms,pkcs11,postgres,ray,server,video]'
	touch $@

clean:
	rm -rf .venv .venv-test build dist *.egg-info demo-out .coverage .coverage.*
