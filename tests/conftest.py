"""No time limit for a single example: machines are slow and busy, and no test is a measurement."""

from hypothesis import settings

settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")
