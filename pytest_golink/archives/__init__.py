"""Shipped images: by glob, in folders and inside archives, or by goreleaser's list. golink runs none of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.archives.found import Found, find_images, images_in
    from pytest_golink.archives.goreleaser import Artifact, goreleaser_artifacts
    from pytest_golink.archives.listing import is_archive, is_layout

__all__ = ["Artifact", "Found", "find_images", "goreleaser_artifacts", "images_in", "is_archive", "is_layout"]

_MODULES = {
    "Artifact": "goreleaser",
    "goreleaser_artifacts": "goreleaser",
    "is_archive": "listing",
    "is_layout": "listing",
}


def __getattr__(name: str) -> object:
    # Checking a policy needs only the globs: golink imports the formats when it looks for a file.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'found')}"), name)
    globals()[name] = value
    return value
