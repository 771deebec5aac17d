"""Text that golink writes and reads: escaping, versions, suggestions."""
