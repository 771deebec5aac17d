"""The facts that objects and archives share: nothing is linked yet, so most questions have no answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.facts import BinaryFacts, Cgo, Hardening, Libc

if TYPE_CHECKING:
    from pytest_golink.facts import Format, ImportedSymbol, Kind, Target
    from pytest_golink.reader.bounds import View


def unlinked(
    view: View,
    *,
    format: Format,  # noqa: A002 - the fact's name
    kind: Kind,
    target: Target | None,
    imports: tuple[ImportedSymbol, ...] = (),
) -> BinaryFacts:
    """Return the facts of an object or archive: it needs no library, and is for a linker, not for a loader."""
    return BinaryFacts(
        path=view.path,
        size=view.size,
        format=format,
        kind=kind,
        target=target,
        linkage=None,
        needs_loader_only=None,
        interpreter=None,
        needed=(),
        rpath=None,
        runpath=None,
        imports=imports,
        libc=Libc(kind="none", presence="none"),
        cgo=Cgo(),
        link_mode=None,
        resolver=None,
        static_name_service=(),
        symtab=None,
        dwarf=None,
        hardening=Hardening(),
        os_minimum=None,
        signed=None,
        go=None,
    )
