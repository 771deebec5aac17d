"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

# SI units are powers of ten, IEC's of two.
_UNITS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
# More digits than the bytes of any file.
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([A-Za-z]+)?")


def parse_size(text: str) -> int | None:
    """Return the bytes of a size such as "20 MB", "1.5GiB" or "4096"; None where the text is not a size."""
    match = _SIZE.fullmatch(text.strip())
    unit = _UNITS.get((match[2] or "b").lower()) if match else None
    return int(float(match[1]) * unit) if match and unit else None


def size(count: int) -> str:
    """Return a number of bytes for people: "812 B", "2.4 MB", in powers of 1000."""
    amount = float(count)
    for unit in ("B", "kB", "MB"):
        # 999.95 would round to "1000.0".
        if amount < (1000 if unit == "B" else 999.95):
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} GB"
