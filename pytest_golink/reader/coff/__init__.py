"""COFF objects: bytes to facts."""
