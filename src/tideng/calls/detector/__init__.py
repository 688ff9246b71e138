"""Evidence per call, against the line's own past: features, additive evidence, thresholds, tiers."""
