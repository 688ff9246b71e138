"""The benchmark: `python -m bench`. Measures `tideng serve` from outside, as its peers meet it."""
