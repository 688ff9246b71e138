"""Is this subscriber a fraudster, after months? Learnt from aggregates. Never a measure of how soon a box is
seen."""
