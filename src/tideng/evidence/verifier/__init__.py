"""Verifies an evidence bundle with Python's standard library alone: no database, settings, network, package.

It shares no code with the rooms that make bundles, and none with `verify.html`: what two strangers agree on
is worth more. The steps and their numbers are those of docs/evidence/verify.md.
"""
