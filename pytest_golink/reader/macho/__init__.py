"""Mach-O: bytes to facts."""
