"""What a line did in a day, counted once: as one Ibis expression (DuckDB, Spark) and, equal to the bit, in a
stream."""
