"""What happened, provably: canonical entries, a Merkle ledger, signed checkpoints, keyed commitments."""
