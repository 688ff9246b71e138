"""`python -m tideng` is `tideng`."""

from tideng.cli.main import run

run()
