"""The whole `tideng`, with every command: for its documentation and for callers in the same process."""

from tideng.cli.start import BRINGS, built

app = built(BRINGS)
