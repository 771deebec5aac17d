"""What is shipped: images by glob, in folders and inside archives, and what goreleaser built. Nothing is run."""

from __future__ import annotations

from pytest_golink.archives.found import Found, find_images, images_in
from pytest_golink.archives.goreleaser import Artifact, goreleaser_artifacts

__all__ = ["Artifact", "Found", "find_images", "goreleaser_artifacts", "images_in"]
