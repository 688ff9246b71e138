"""Foreign call records become ours: one file per format, each row read or put aside with its reason."""
