"""Foreign files to blocks of lines: what each format says, how far it could be read, and why not further."""
