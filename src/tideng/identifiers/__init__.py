"""What a number or a name is: parse, check, mask, key. Pure."""
