"""Tideng (提灯): protects people from harm that comes by phone, and proves what it did."""

__version__ = "0.1.0"
