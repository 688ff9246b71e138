"""Noise against every reader of foreign bytes: `python -m fuzz`. Each `fuzz_*.py` here is a target."""
