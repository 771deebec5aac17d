"""Sizes in a lock: rounded, and how far an image may grow from one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pytest_golink.errors import ParameterError
from pytest_golink.text.sizes import parse_size

_ROUNDED_UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(%|[A-Za-z]{1,3})")
_ROUNDED = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})? (B|kB|MB|GB)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far a size may move without counting: a share of the locked size, or bytes; the other one is 0."""

    share: float = 0.0
    count: int = 0

    def around(self, size: int) -> float:
        """Give the bytes that a size may move."""
        return size * self.share + self.count


def parse_tolerance(text: object) -> Tolerance:
    """
    Read `size-tolerance` of golink.toml's [lock].

    Raises:
        ParameterError: It is neither a share ("5%") nor a size ("200 KB").
    """
    match = _AMOUNT.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is not None:
        amount, unit = match.groups()
        if unit == "%":
            return Tolerance(share=float(amount) / 100)
        if (count := parse_size(f"{amount} {unit}")) is not None:
            return Tolerance(count=count)
    raise ParameterError(f'size-tolerance: {text!r} is not a share such as "5%" or a size such as "200 KB"')


def rounded(size: int) -> str:
    """Write a size with three digits: "812 B", "2.35 MB", in powers of 1000."""
    amount, unit = float(size), "B"
    for larger in ("kB", "MB", "GB"):
        # 999.5 would round to "1000".
        if amount < (1000 if unit == "B" else 999.5):
            break
        amount, unit = amount / 1000, larger
    digits = 0 if unit == "B" or amount >= 99.95 else 1 if amount >= 9.995 else 2
    return f"{amount:.{digits}f} {unit}"


def is_rounded(text: str) -> bool:
    """Whether a text is a size as `rounded` writes them."""
    return _ROUNDED.fullmatch(text) is not None


def bytes_of(text: str) -> int:
    """Give the bytes of a size that `rounded` wrote."""
    amount, unit = text.split(" ")
    return round(float(amount) * _ROUNDED_UNITS[unit])
