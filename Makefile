# Two commands need nothing else first: `make run` and `make test`.
ARGS ?=
PY := .venv/bin/python

.PHONY: run full test check bench fuzz evaluate evaluate-calls docs lock clean

run: .venv/.run           ## set up, start the gateway with a simulated carrier, and play story 1
	@$(PY) -m tideng play $(ARGS)

full: .venv/.full         ## add what scan, calls and documents need

test: .venv/.test         ## set up what the tests need, and run them
	@$(PY) -m pytest -m "not slow" $(ARGS)

check: .venv/.test        ## what a reviewer would ask first: format, lint, types, contracts, house rules
	@.venv/bin/ruff format --check src tests bench fuzz tools
	@.venv/bin/ruff check src tests bench fuzz tools
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m pytest tests/house $(ARGS)

bench: .venv/.test        ## measure; PEERS=1 adds other programs; ROOM=text, scan, calls or evidence measures that
	@$(PY) -m bench$(if $(ROOM),.$(ROOM)) $(ARGS)

fuzz: .venv/.test         ## many rounds: decoders on noise, kill -9 under load
	@$(PY) -m fuzz $(ARGS)
	@$(PY) -m pytest -m slow $(ARGS)

evaluate: .venv/.test     ## how well texts are judged, on development data
	@$(PY) -m tools.evaluate_text $(ARGS)

evaluate-calls: .venv/.test  ## how well boxes are found, on worlds the detector never saw
	@$(PY) -m tools.evaluate_calls $(ARGS)

docs: .venv/.test         ## write the generated pages in docs/
	@$(PY) -m tools.generate_docs

lock:                     ## resolve the pins again
	@tools/lock

clean:
	@rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.run: requirements.lock pyproject.toml tools/setup
	@tools/setup run

.venv/.full: requirements-full.lock pyproject.toml tools/setup
	@tools/setup full

.venv/.test: requirements-dev.lock pyproject.toml tools/setup
	@tools/setup test
