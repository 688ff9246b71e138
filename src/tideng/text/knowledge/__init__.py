"""The knowledge that comes with the package, as data. Finding the files' bytes is the only I/O here."""

from importlib.resources import files


def bundled_knowledge() -> dict[str, bytes]:
    """The exact bytes of every knowledge file, by file name."""
    return {
        one.name: one.read_bytes()
        for one in sorted(files(__name__).iterdir(), key=lambda found: found.name)
        if one.name.endswith((".toml", ".txt"))
    }
