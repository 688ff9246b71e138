"""The detector model that comes with Tideng. Trained on dev worlds only; see `training.py`."""

from importlib import resources


def shipped_model() -> bytes:
    """Its bytes: plain JSON."""
    return (resources.files("tideng.calls.detector") / "model.json").read_bytes()
