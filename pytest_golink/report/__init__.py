"""Findings → terminal, JSON and text: pure functions."""
