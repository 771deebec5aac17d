"""The facts that every reader takes from Go's own structures, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.facts import BuildInfo, Cgo, Content
from pytest_golink.golang import content, read_go
from pytest_golink.golang.cgo import cgo_witnesses
from pytest_golink.golang.paths import build_paths
from pytest_golink.reader.dwarf import dwarf_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_golink.facts import ImportedSymbol, LinkMode, Resolver
    from pytest_golink.golang import GoImage
    from pytest_golink.golang.image import MappedImage
    from pytest_golink.reader.dwarf import DebugSection

_SWITCH = {"0": False, "1": True}
# On these Go itself needs no libc; OpenBSD's and Solaris' runtime starts its threads with pthread_create.
_WITHOUT_LIBC = frozenset({"android", "dragonfly", "freebsd", "linux", "netbsd"})

# UPX puts its loader information (l_info) right behind the headers of an ELF or Mach-O image, and gives a PE image its
# own section names. Source: UPX's src/stub/src/include/header.S and linux.hh, src/pefile.cpp.
_UPX = b"UPX!"
_UPX_WITHIN_BYTES = {"elf": 1024, "macho": 4096}
_UPX_SECTIONS = frozenset({"UPX0", "UPX1"})


@dataclass(frozen=True, kw_only=True, slots=True)
class GoFacts:
    """The facts that come from Go's structures; those of an image that Go did not make are None or empty."""

    cgo: Cgo
    content: Content
    image: GoImage | None = None
    build: BuildInfo | None = None
    link_mode: LinkMode | None = None
    resolver: tuple[Resolver, ...] | None = None


def read_go_facts(
    image: MappedImage,
    *,
    imports: tuple[ImportedSymbol, ...],
    debug: Iterable[DebugSection] = (),
    noted: bool = False,
) -> GoFacts:
    """
    Read Go's structures and derive the facts that rest on them.

    Args:
        image: The mapped image.
        imports: The symbols that the image imports; without runtime/cgo every one is `//go:cgo_import_dynamic`'s.
        debug: The debug sections, recognized by their names; the list may hold others.
        noted: Whether Go's own note shows that Go made the image: a packer leaves that note in place.

    Raises:
        UnreadableBinaryError: The build info or the pclntab is there and damaged.
    """
    go = read_go(image)
    if go is None:
        return GoFacts(cgo=Cgo(), build=BuildInfo() if noted else None, content=Content(packed=_packer(image)))
    names = {symbol.name for symbol in imports}
    witnesses = _cgo_witnesses(image, go, names)
    return GoFacts(
        image=go,
        cgo=Cgo(
            enabled=_SWITCH.get(go.build.settings.get("CGO_ENABLED", "")),
            used=None if witnesses else go.cgo_used,
            packages=go.cgo_packages,
            calls=go.cgo_calls,
            dynamic_imports=imports if go.cgo_used is False and not witnesses else (),
            witnesses=witnesses,
        ),
        build=go.build,
        link_mode=go.link_mode,
        resolver=None if witnesses else go.resolvers(names),
        content=_content(image, go, debug),
    )


def _cgo_witnesses(image: MappedImage, go: GoImage, imports: set[str]) -> tuple[str, ...]:
    """Return the traces of runtime/cgo if the pclntab does not name it; it needs C's start-up code, or imports."""
    if go.cgo_used is not False or image.format != "elf" or not (imports or go.link_mode == "external"):
        return ()
    goos = go.target.goos if go.target else content.startup(go.functions)
    if goos not in _WITHOUT_LIBC:
        return ()
    return cgo_witnesses(go.functions, imports, image.symbols)


def _content(image: MappedImage, go: GoImage, debug: Iterable[DebugSection]) -> Content:
    if not go.functions:
        return Content(packed=_packer(image), damage=go.damage)
    dwarf = dwarf_paths(debug, byteorder=image.byteorder, wide=image.pointer_size == 8)
    paths = build_paths(go.source_files, go.build, dwarf or ())
    if not go.whole:
        return Content(pclntab=go.pclntab, build_paths=paths or None, packed=_packer(image))
    return Content(
        pclntab=go.pclntab,
        startup=content.startup(go.functions),
        user_lookup=content.user_lookup(go.functions, image.format),
        instrumentation=content.instrumentation(go.functions),
        crypto=content.crypto(go.functions),
        importers=content.importers(go.functions),
        # Unreadable DWARF may hold more paths: the answer is None if golink found none, else the paths that it found.
        build_paths=paths if paths or dwarf is not None else None,
        packed=_packer(image),
    )


def _packer(image: MappedImage) -> str | None:
    """Return the packer whose mark an image has, None without one."""
    if {section.name for section in image.sections} >= _UPX_SECTIONS:
        return "UPX"
    within = _UPX_WITHIN_BYTES.get(image.format, 0)
    heads = (bytes(region.data[: within - region.offset]) for region in image.segments if region.offset < within)
    return "UPX" if any(_UPX in head for head in heads) else None
