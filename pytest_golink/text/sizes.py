"""Sizes in bytes, for people."""

from __future__ import annotations


def size(count: int) -> str:
    """Write a number of bytes for people: "812 B", "2.4 MB", in powers of 1000."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        # 999.95 would round to "1000.0".
        if amount < (1000 if unit == "B" else 999.95):
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
