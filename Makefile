# Every target sets up what it needs. The stamp makes a second call start at once.

BIN := .venv/bin
STAMP := .venv/.installed
# Spark has an environment of its own, so that nobody else waits for its packages.
SPARK_BIN := .venv-spark/bin
SPARK_STAMP := .venv-spark/.installed
# More workers than cores only slow each other down.
WORKERS ?= 2
# Some machines tell Python not to keep what it compiles. Compiling the 2,700 modules of dbt, Dagster and Great
# Expectations anew takes a quarter of a run.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run check test test-bi test-spark test-all bench docs ui doctor lock

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## Run the flow on data/raw and release the marts
	@$(BIN)/iqa run

test: $(STAMP) ## Run the tests
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not slow"

test-all: $(STAMP) ## Run the tests with the slow sweeps
	@$(BIN)/python -m pytest -n $(WORKERS)

test-bi: $(STAMP) ## Open a release with every client of tests/bi
	@$(BIN)/python -m pytest tests/bi

test-spark: $(SPARK_STAMP) ## Build the sample on DuckDB and on Spark and compare every cell (needs Java 17 or later)
	@$(SPARK_BIN)/python -m pytest tests/spark

docs: $(STAMP) ## Build the documentation site into site/html
	@$(BIN)/mkdocs build --quiet --strict
	@echo "The documentation is in site/html: open site/html/index.html."

check: $(STAMP) ## Lint, formatting and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP) ## Measure and write docs/benchmarks.md (SETS="sample small national ten", RUNS=3)
	@$(BIN)/python -m bench $(SETS) $(if $(RUNS),--runs $(RUNS))

ui: $(STAMP) ## Open Dagster's web interface on this machine
	@$(BIN)/iqa ui

doctor: $(STAMP) ## Say what is wrong with the installation
	@$(BIN)/iqa doctor

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	pyproject.toml --group dev --group build

lock: ## Resolve the dependencies anew into the lock files (needs uv)
	$(LOCK) -o requirements.lock
	$(LOCK) --group spark --constraint requirements.lock -o requirements-spark.lock

$(STAMP): requirements.lock pyproject.toml .ci/setup
	@.ci/setup

$(SPARK_STAMP): requirements-spark.lock pyproject.toml .ci/setup
	@.ci/setup .venv-spark requirements-spark.lock
