"""Fittings for rooms that keep things: SQLite behind one writer thread with group commit."""
