"""Numeric identifiers in bytes, at the speed of memory: compiled kernels and the plain code they must
equal.
"""
