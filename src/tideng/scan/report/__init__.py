"""The appraisal report: one HTML page that stands alone, the same as PDF, and as JSON; in Chinese and
English.
"""
