# make course   every lesson in the quick profile, as HTML reports with an index
# make test     the tests: the package, and every notebook through nbval and papermill
# make lab      JupyterLab on the lessons
# make help     all targets

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help course test lab lint format readme wheel clean

help:  ## show the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

course: $(VENV)/.course  ## run every lesson in the quick profile and write reports/index.html
	$(BIN)/cnn-course run --profile quick --jobs 2 --out reports

test: $(VENV)/.dev lint  ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax notebooks tests

lint: $(VENV)/.dev  ## check style and spelling of the package, the texts and the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

format: $(VENV)/.dev  ## put the package and the notebooks into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(VENV)/.course  ## write the README's table of the lessons from the stored results
	$(BIN)/python benchmarks/readme_table.py

lab: $(VENV)/.lab  ## open JupyterLab on the lessons
	$(BIN)/jupyter lab --notebook-dir notebooks

wheel: $(VENV)/.course  ## build the wheel that Colab and other machines install, in dist/
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:  ## remove the environment and everything that was generated
	rm -rf $(VENV) reports dist build

# A stamp for each set of packages: what is installed is not looked at again until its list changes.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The course needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make course PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.course: $(VENV)/.python pyproject.toml constraints.txt
	@echo "Installing the course's packages into $(VENV) (once; a few minutes)"
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.course
	@echo "Installing the test tools into $(VENV) (once)"
	$(INSTALL) --editable '.[dev]'
	@touch $@

$(VENV)/.lab: $(VENV)/.course
	@echo "Installing JupyterLab into $(VENV) (once)"
	$(INSTALL) --editable '.[lab]'
	@touch $@
