"""ELF: bytes to facts."""
