"""
The symbols that a Mach-O image offers to others: its export trie, else its symbol table.

Source: Apple's mach-o/loader.h (the comment at dyld_info_command's export_off) and mach-o/nlist.h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.golang.cursor import Cursor
from pytest_golink.reader.bounds import NameBudget
from pytest_golink.reader.macho.commands import LC_DYLD_INFO, LC_DYLD_INFO_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.reader.macho.commands import Commands
    from pytest_golink.reader.macho.symbols import SymbolTable

_LC_DYLD_EXPORTS_TRIE = 0x80000033
_WHAT = "the export trie"


def read_exports(image: Commands, symbols: SymbolTable | None) -> tuple[str, ...]:
    """
    Return the exported names, without their leading underscore.

    Raises:
        UnreadableBinaryError: The trie is damaged.
    """
    for start, size in _tries(image):
        return tuple(name.removeprefix("_") for name in _names(image, start, size))
    return () if symbols is None else symbols.exported()


def _tries(image: Commands) -> Iterator[tuple[int, int]]:
    for command in image.all(_LC_DYLD_EXPORTS_TRIE):
        start, size = image.fields(command, "2I", _WHAT)
        if size:
            yield start, size
    for command in image.all(LC_DYLD_INFO, LC_DYLD_INFO_ONLY):
        *_, start, size = image.fields(command, "10I", "LC_DYLD_INFO")
        if size:
            yield start, size


def _names(image: Commands, start: int, size: int) -> Iterator[str]:
    """Walk the trie: each node may end a name, and has edges with the texts that go on."""
    view = image.view
    data = bytes(view.slice(start, size, _WHAT))
    budget = NameBudget(view, _WHAT)
    waiting: list[tuple[int, bytes]] = [(0, b"")]
    seen: set[int] = set()
    while waiting:
        at, name = waiting.pop()
        if at in seen:
            raise view.error(f"two edges of {_WHAT} lead to one node", start + at)
        seen.add(at)
        budget.spend(name)
        node = Cursor(data, start=at, fail=lambda reason, place: view.error(f"{_WHAT} {reason}", start + place))
        terminal = node.leb128()
        if terminal:
            yield name.decode("utf-8", "backslashreplace")
        node.skip(terminal)
        edges = []
        for _ in range(node.byte()):
            text = node.text()
            edges.append((node.leb128(), name + text))
        # In the trie's order: the last one that is put here is looked at first.
        waiting.extend(reversed(edges))
