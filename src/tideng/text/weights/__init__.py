"""The suspicion weights that come with the package: trained on lines written for it, and on nothing else."""

from importlib.resources import files


def bundled_weights() -> bytes:
    """The exact bytes of the shipped weights; `make_training_lines` and `tideng text train` make them."""
    return (files(__name__) / "own-lines.weights").read_bytes()
