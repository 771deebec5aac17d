"""Everything that Go left in an image, from one pass over its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.facts import BuildInfo, Target
from pytest_golink.golang import cgo
from pytest_golink.golang.buildinfo import read_build_info
from pytest_golink.golang.functions import Functions
from pytest_golink.golang.memory import Memory
from pytest_golink.golang.pclntab import BadPclntab, read_pclntabs
from pytest_golink.golang.text import find_moduledata, link_mode, text_range

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_golink.facts import Format, LinkMode, Resolver
    from pytest_golink.golang.image import MappedImage
    from pytest_golink.golang.pclntab import Pclntab

_GC = "gc"
# The export data that gccgo writes beside the code of each package. Nothing loads it, and strip leaves it alone
# (gcc/go/go-backend.cc; Mach-O has it in the segment __GNU_GO).
_GCCGO_EXPORTS = (".go_export", "__GNU_GO,__go_export")
# An assembler function of every program: with -linkshared it is in Go's shared library instead.
_RUNTIME = "runtime.morestack"
# Go always links these externally (mustLinkExternal in cmd/link/internal/ld/config.go), whatever their entry point is.
_LIBRARIES = ("c-archive", "c-shared", "plugin", "shared")


@dataclass(frozen=True, kw_only=True, slots=True)
class GoImage:
    """
    What Go left in an image.

    Attributes:
        build: Its build info; with every field None or empty if it was cut out.
        functions: The names in its pclntab; none where another compiler than gc made the image (gccgo has no pclntab).
        source_files: The paths of the source files in its pclntab, NUL after each.
        text: The addresses of Go's own code, None where the image does not say.
        link_mode: Internal or external as done, None where the image does not say.
        whole: Whether its pclntab lists all its Go code: -linkshared leaves the runtime and more to shared libraries.
        cgo_used: Whether runtime/cgo is linked in, None where the image does not say.
        cgo_packages: The packages with cgo wrappers, and runtime/cgo, sorted.
        cgo_calls: The C functions that each of them calls, sorted.
        pclntab: The first Go version that wrote this pclntab layout, None without a pclntab.
        damage: Why an image made by gc has no pclntab.
    """

    build: BuildInfo
    functions: Functions
    source_files: bytes
    text: range | None
    link_mode: LinkMode | None
    whole: bool
    cgo_used: bool | None
    cgo_packages: tuple[str, ...]
    cgo_calls: tuple[tuple[str, tuple[str, ...]], ...]
    pclntab: str | None
    damage: str | None = None
    _format: Format

    @property
    def target(self) -> Target | None:
        """The port that the build settings name; None before Go 1.18, which did not record it."""
        goos, goarch = self.build.settings.get("GOOS"), self.build.settings.get("GOARCH")
        return Target(goos=goos, goarch=goarch) if goos and goarch else None

    def resolvers(self, imports: Collection[str]) -> tuple[Resolver, ...] | None:
        """
        Return the DNS paths that the program can take, sorted; ("none",) where no resolver is linked in.

        Args:
            imports: The names of the symbols that the image imports.

        Returns:
            None where the image has no pclntab, or has Go code outside it.
        """
        return cgo.resolvers(self.functions, self._format, imports) if self.whole else None


def read_go(image: MappedImage) -> GoImage | None:
    """
    Read what Go left in an image; None if Go did not make it.

    Go made an image that has a build info, or a pclntab (the build info can be cut out), or gccgo's export data.

    Raises:
        UnreadableBinaryError: One of them is damaged.
    """
    memory = Memory(image)
    build = read_build_info(memory)
    found = own_pclntab(memory, known_go=build is not None)
    if found is None:
        gccgo = bool(image.segments) and any(memory.sections(*_GCCGO_EXPORTS))
        if build is None and not gccgo:
            return None
        lost = build is not None and build.settings.get("-compiler", _GC) == _GC
        return GoImage(
            build=build or BuildInfo(),
            functions=Functions(),
            source_files=b"",
            text=None,
            link_mode=None,
            whole=False,
            cgo_used=None,
            cgo_packages=(),
            cgo_calls=(),
            pclntab=None,
            damage="there is a Go build info, but no pclntab: was it garbled, packed, or damaged?" if lost else None,
            _format=image.format,
        )
    pclntab, moduledata = found
    build = build or BuildInfo()
    text = text_range(memory, pclntab, moduledata)
    try:
        functions = pclntab.read_functions()
        return GoImage(
            build=build,
            functions=functions,
            source_files=pclntab.read_files(),
            text=text,
            link_mode=_link_mode(memory, pclntab, text, library=build.settings.get("-buildmode") in _LIBRARIES),
            whole=_RUNTIME in functions,
            cgo_used=cgo.cgo_used(functions) if _RUNTIME in functions else None,
            cgo_packages=cgo.cgo_packages(functions, pclntab.names_in_order),
            cgo_calls=cgo.cgo_calls(functions),
            pclntab=pclntab.layout,
            _format=image.format,
        )
    except BadPclntab as bad:
        raise memory.damaged(bad.offset, f"pclntab: {bad}") from bad


def _link_mode(memory: Memory, pclntab: Pclntab, text: range | None, *, library: bool) -> LinkMode | None:
    if memory.image.format == "wasm":
        # cmd/link writes WebAssembly itself, -buildmode=c-shared included; it has no entry point to look at.
        return "internal"
    return "external" if library else link_mode(memory, pclntab, text)


def own_pclntab(memory: Memory, *, known_go: bool) -> tuple[Pclntab, int | None] | None:
    """
    Find the pclntab of this image, and the address of the moduledata that points at it.

    A scan can also find the pclntab of another image, which this one embeds: no moduledata points there.
    """
    found: list[Pclntab] = []
    for pclntab in read_pclntabs(memory):
        moduledata = find_moduledata(memory, pclntab)
        if moduledata is not None:
            return pclntab, moduledata
        found.append(pclntab)
    if found and (found[0].named or (known_go and len(found) == 1)):
        return found[0], None
    return None
