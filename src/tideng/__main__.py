"""`python -m tideng` is `tideng`."""

from tideng.cli.start import run

run()
