"""Know in a few calls that a line has become a fraudster's exit: records -> evidence -> alarm -> visit."""
