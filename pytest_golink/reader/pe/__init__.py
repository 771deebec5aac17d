"""PE: bytes to facts."""
