"""Foreign bytes to events and back. No socket, no clock, no logging: bytes and times are arguments."""
