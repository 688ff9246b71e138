"""Simulated towns of telephone lines: for tuning (dev) and, by other code and constants, for judging
(held)."""
