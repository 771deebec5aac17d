"""Causes that the image itself shows."""
