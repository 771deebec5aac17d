"""What a lock holds: an entry an image, a line a fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Value = str | int | bool
    # The field and, in a field of many, the name ("needed", "libc.so.6"); "" in a field of one value.
    Key = tuple[str, str]

# The fields in the order of the file, and whether a field has many lines, one a name. A change here is another
# version of the lock (text.VERSION): a lock that lacks a fact must not pass for one that knows it is not there.
FIELDS: Mapping[str, bool] = MappingProxyType(
    {
        "target": False,
        "format": False,
        "kind": False,
        "linkage": False,
        "interpreter": False,
        "needed": True,
        "rpath": True,
        "runpath": True,
        "libc": False,
        "libc-presence": False,
        "libc-floor": False,
        "version-need": True,
        "import": True,
        "cgo": False,
        "cgo-package": True,
        "import-without-cgo": True,
        "importer-without-cgo": True,
        "link-mode": False,
        "resolver": False,
        "user-lookup": False,
        "static-name-service": True,
        "crypto": True,
        "instrumentation": True,
        "packed": False,
        "symbol-table": False,
        "dwarf": False,
        "pie": False,
        "nx": False,
        "relro": False,
        "writable-code": False,
        "signed": False,
        "os-minimum": False,
        "cpu": True,
        "size": False,
    }
)
_ORDER = {field: position for position, field in enumerate(FIELDS)}


@dataclass(frozen=True, kw_only=True, slots=True)
class LockEntry:
    """
    The linkage facts of one image, named as its test items name it ("app[linux/amd64]").

    `facts` are in the order of the file; a fact that the image does not have is not there. All text is printable: what
    is not stands as an escape. `line` is where the entry begins in its file, 0 for one that was read off an image;
    `because` says in a word what is behind a fact of such an image, and is not written.
    """

    image: str
    facts: tuple[tuple[Key, Value], ...]
    line: int = 0
    because: tuple[tuple[Key, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Lock:
    """A lock file: its entries, sorted by image."""

    entries: tuple[LockEntry, ...] = ()

    def entry(self, image: str) -> LockEntry | None:
        """Give an image's entry, None where there is none."""
        return next((entry for entry in self.entries if entry.image == image), None)


def in_order(key: Key) -> tuple[int, str]:
    """Sort keys as the file has them: fields in their order, names by code point."""
    field, name = key
    return _ORDER[field], name
