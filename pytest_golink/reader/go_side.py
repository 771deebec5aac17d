"""What every reader takes from Go's own structures, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.facts import Cgo
from pytest_golink.golang import read_go

if TYPE_CHECKING:
    from pytest_golink.facts import GoBuild, ImportedSymbol, LinkMode, Resolver, Target
    from pytest_golink.golang import GoImage
    from pytest_golink.golang.image import MappedImage

_SWITCH = {"0": False, "1": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class GoSide:
    """The facts that come from Go's structures; those of an image that Go did not make are None or empty."""

    cgo: Cgo
    image: GoImage | None = None
    build: GoBuild | None = None
    link_mode: LinkMode | None = None
    resolver: tuple[Resolver, ...] | None = None


def read_go_side(image: MappedImage, *, imports: tuple[ImportedSymbol, ...], target: Target | None) -> GoSide:
    """
    Read Go's structures and derive the facts that rest on them.

    Args:
        image: The mapped image.
        imports: The symbols that the image imports; without runtime/cgo every one is `//go:cgo_import_dynamic`'s.
        target: GOOS and GOARCH as far as the headers tell; the build info's stands in for None.

    Raises:
        UnreadableBinaryError: The build info or the pclntab is there and damaged.
    """
    go = read_go(image)
    if go is None:
        return GoSide(cgo=Cgo())
    return GoSide(
        image=go,
        cgo=Cgo(
            enabled=_SWITCH.get(go.build.settings.get("CGO_ENABLED", "")),
            used=go.cgo_used,
            packages=go.cgo_packages,
            dynamic_imports=imports if go.cgo_used is False else (),
        ),
        build=go.build,
        link_mode=go.link_mode,
        resolver=go.resolvers({symbol.name for symbol in imports}, target or go.target),
    )
