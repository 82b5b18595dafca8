# make run · make test · make test-services · make lint · make bench
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYTEST_JOBS ?= 3

.PHONY: run test test-services lint format bench clean
.DEFAULT_GOAL := run

$(VENV)/.installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

run: $(VENV)/.installed
	@exec $(BIN)/python manage.py run

test: $(VENV)/.installed
	env -u DATABASE_URL -u CELERY_BROKER_URL -u REDIS_URL $(BIN)/python -m pytest -n $(PYTEST_JOBS) --dist loadgroup $(ARGS)

test-services: $(VENV)/.installed
	@test -n "$$DATABASE_URL" || { echo "Set DATABASE_URL, for example postgres://postgres@127.0.0.1:5432/postgres"; exit 2; }
	@test -n "$$CELERY_BROKER_URL" || { echo "Set CELERY_BROKER_URL, for example redis://127.0.0.1:6379/5"; exit 2; }
	$(BIN)/python -m pytest -n $(PYTEST_JOBS) --dist loadgroup $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy portal warehouse_admin
	$(BIN)/djlint --lint templates --quiet

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed
	$(BIN)/python -m tests.bench $(ARGS)

clean:
	rm -rf $(VENV) var staticfiles .pytest_cache .mypy_cache .ruff_cache
