"""What a text is, how it travels, and what it hides."""
