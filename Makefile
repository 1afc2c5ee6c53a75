# The two commands are `make demo` and `make test`. Each sets up what it needs, once.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CHECKPOINTS := examples/checkpoints

.PHONY: help demo test lint format readme pictures docs clean
.DELETE_ON_ERROR:

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.demo $(CHECKPOINTS)/.made ## Train small networks, break copies of them, lint both
	@MODLINT=$(BIN)/modlint examples/demo.sh $(CHECKPOINTS)

test: $(VENV)/.dev ## Run the tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -rs $(ARGS)

lint: $(VENV)/.dev $(CHECKPOINTS)/.made ## Check style, types, layers, and the output in README, docs and notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=plugins/modlint-example $(BIN)/mypy -p modlint_example
	MYPYPATH=plugins/modlint-train $(BIN)/mypy -p modlint_train
	$(BIN)/lint-imports
	$(BIN)/python scripts/update_readme.py --check
	$(BIN)/python scripts/update_notebooks.py --check
	$(BIN)/python scripts/update_schemas.py --check

format: $(VENV)/.dev ## Mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(VENV)/.dev $(CHECKPOINTS)/.made ## Renew the outputs shown in README.md, docs and notebooks, and the schemas
	$(BIN)/python scripts/update_readme.py
	$(BIN)/python scripts/update_notebooks.py
	$(BIN)/python scripts/update_schemas.py

pictures: $(VENV)/.dev $(CHECKPOINTS)/.made ## Renew the pictures of terminals and notebooks in docs (needs Chromium)
	$(BIN)/python scripts/screenshots.py
	$(BIN)/python scripts/notebook_pictures.py

docs: $(VENV)/.dev ## Build the site of the documentation into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "site/index.html is the first page; for the search: $(BIN)/python -m http.server -d site"

clean: ## Remove the environment and the example checkpoints
	rm -rf $(VENV) $(CHECKPOINTS)

$(CHECKPOINTS)/.made: examples/train.py examples/break_them.py | $(VENV)/.demo
	$(BIN)/python examples/train.py $(CHECKPOINTS)/healthy
	$(BIN)/python examples/break_them.py $(CHECKPOINTS)/healthy $(CHECKPOINTS)/broken
	@touch $@

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "modlint needs Python 3.11 or later; name one: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -qq --upgrade pip
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt examples/requirements.txt | $(VENV)/.created
	@echo "Installing modlint into $(VENV): a few minutes the first time (torch is large)."
	$(PIP) install -qq --constraint constraints.txt --editable '.[torch]' --requirement examples/requirements.txt
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing modlint into $(VENV): a few minutes the first time (torch is large)."
	$(PIP) install -qq --constraint constraints.txt --editable '.[torch]' --group dev
	@touch $@
