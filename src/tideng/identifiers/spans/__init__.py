"""Where personal data stands in a text: character offsets, kinds, and how sure we are. Pure."""
