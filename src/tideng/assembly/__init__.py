"""Who is connected to whom. The only room that knows every other."""

from tideng.assembly.embedded import Gateway, open_embedded, read_policy, wall_clock

__all__ = ["Gateway", "open_embedded", "read_policy", "wall_clock"]
