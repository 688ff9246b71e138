"""Links to carriers, the routes between them, and a simulated carrier."""
