"""Independent second readers of the same bytes."""
