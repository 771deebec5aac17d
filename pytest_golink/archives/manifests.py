"""
The images of a layout: by index.json of an OCI layout, or by manifest.json of `docker save`.

Source: OCI Image Format Specification v1.1, "Image Layout", "Image Index", "Image Manifest", "Guidelines for Artifact
Usage"; Docker Image Specification v1.2 for manifest.json.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_golink.archives import limits
from pytest_golink.archives.blobs import load_json, load_object
from pytest_golink.archives.members import shown
from pytest_golink.archives.streams import codec_of
from pytest_golink.archives.tar_headers import is_tar
from pytest_golink.errors import ArchiveError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.archives.blobs import Blobs

_DIGEST = re.compile(r"([a-z0-9]+):([a-f0-9]{32,128})")
_INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
# Layers that only Microsoft's registry may distribute: the layout holds their address, not their bytes.
_LAYER_TYPE = re.compile(
    r"application/vnd\.(?:oci\.image\.layer\.(?P<oci>nondistributable\.)?v1\.tar"
    r"|docker\.image\.rootfs\.(?P<docker>foreign\.)?diff\.tar)(?P<packed>[.+].*)?"
)
_PACKED_TYPES = ("", "+gzip", ".gzip", "+zstd", ".zstd")
_BLOCK_BYTES = 512
_NAME_ANNOTATION = "org.opencontainers.image.ref.name"
# An index may hold indexes, even itself.
_INDEX_DEPTH = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """
    One image of a layout.

    Attributes:
        platform: "linux/arm/v7", with "unknown" for a part that the config does not have.
        tag: The name that distinguishes it from other images of its platform.
        config: The file of its config.
        layers: The files of its layers, lowest first.
        foreign: Digests of layers that stay with their vendor, and are not in the layout.
        missing: The files that the layout lists but does not hold; () if the image is complete.
    """

    platform: str
    tag: str
    config: str
    layers: tuple[str, ...]
    foreign: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def images_of(blobs: Blobs) -> tuple[Image, ...]:
    """
    Return the images that a layout lists, each with its missing files.

    Raises:
        ArchiveError: The layout is damaged, over the bounds, or has no image; or its two lists differ.
    """
    listed = blobs.has("index.json")
    found = tuple(dict.fromkeys(_Index(blobs).images() if listed else _saved(blobs)))
    if len(found) > limits.IMAGES:
        raise ArchiveError(blobs.path, f"has more than the bound of {limits.IMAGES} images")
    images = tuple(image for image in found if not image.missing)
    if not images:
        if found:
            raise ArchiveError(blobs.path, f"the image layout has no {found[0].missing[0]}")
        raise ArchiveError(blobs.path, "the image layout has no image")
    here = {layer for image in images for layer in image.layers}
    for image in found:
        own = [layer for layer in image.layers if layer not in here]
        if image.missing and any(blobs.has(layer) for layer in own):
            # The layout did not leave out a platform, it lost a file.
            raise ArchiveError(blobs.path, f"the image layout has no {image.missing[0]}")
    if listed and blobs.has("manifest.json"):
        _check_saved(blobs, found)
    return found


def _check_saved(blobs: Blobs, images: tuple[Image, ...]) -> None:
    """Check that manifest.json, which `docker load` reads, agrees with index.json, which other tools read."""
    known = {(image.config, image.layers) for image in images}
    for image in _saved(blobs):
        if (image.config, image.layers) not in known:
            raise ArchiveError(
                blobs.path,
                f"manifest.json has the image {shown(image.tag)}, and index.json has not: which one is loaded depends "
                "on the tool",
            )


def _saved(blobs: Blobs) -> Iterator[Image]:
    entries = _objects(blobs, load_json(blobs, "manifest.json"), "manifest.json")
    if len(entries) > limits.MANIFESTS:
        raise ArchiveError(blobs.path, f"has more than the bound of {limits.MANIFESTS} manifests")
    for entry in entries:
        config, layers, tags = entry.get("Config"), entry.get("Layers"), entry.get("RepoTags")
        if not isinstance(config, str) or not isinstance(layers, list):
            raise ArchiveError(blobs.path, "manifest.json names no Config and Layers")
        if not all(isinstance(layer, str) for layer in layers):
            raise ArchiveError(blobs.path, "manifest.json has a layer that is no text")
        _check_layers(blobs, layers)
        named = tags[0] if isinstance(tags, list) and tags and isinstance(tags[0], str) else posixpath.basename(config)
        missing = tuple(name for name in (config, *layers) if not blobs.has(name))
        yield Image(
            platform="unknown" if config in missing else platform_of(load_object(blobs, config)),
            tag=_plain(named),
            config=config,
            layers=tuple(layers),
            missing=missing,
        )


class _Index:
    """Reads the indexes of a layout, each manifest once."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._seen: set[str] = set()

    def images(self) -> Iterator[Image]:
        yield from self._of(load_object(self._blobs, "index.json"), depth=0)

    def _of(self, index: dict[str, object], *, depth: int) -> Iterator[Image]:
        path = self._blobs.path
        if depth > _INDEX_DEPTH:
            raise ArchiveError(path, f"image indexes within indexes, more than {_INDEX_DEPTH} deep")
        for descriptor in _objects(self._blobs, index.get("manifests"), "manifests"):
            name = _blob(self._blobs, descriptor)
            annotations = descriptor.get("annotations")
            tag = annotations.get(_NAME_ANNOTATION) if isinstance(annotations, dict) else None
            key = f"{name} {tag if isinstance(tag, str) else ''} {descriptor.get('platform')}"
            if key in self._seen:
                continue
            self._seen.add(key)
            if len(self._seen) > limits.MANIFESTS:
                raise ArchiveError(path, f"has more than the bound of {limits.MANIFESTS} manifests")
            yield from self._described(descriptor, name, tag if isinstance(tag, str) else "", depth)

    def _described(self, descriptor: dict[str, object], name: str, tag: str, depth: int) -> Iterator[Image]:
        blobs = self._blobs
        described = descriptor.get("platform")
        platform = platform_of(described if isinstance(described, dict) else {})
        tag = _plain(tag) if tag else posixpath.basename(name)[:12]
        if not blobs.has(name):
            yield Image(platform=platform, tag=tag, config="", layers=(), missing=(name,))
            return
        found = load_object(blobs, name)
        if "manifests" in found and ("layers" in found or "config" in found):
            raise ArchiveError(blobs.path, f"{name} is an image and an index of images: tools differ on what it is")
        if descriptor.get("mediaType") in _INDEX_TYPES or "manifests" in found:
            yield from self._of(found, depth=depth + 1)
            return
        image = _image(blobs, found, platform, tag, known=isinstance(described, dict))
        if image is not None:
            yield image


def _image(blobs: Blobs, manifest: dict[str, object], platform: str, tag: str, *, known: bool) -> Image | None:
    """Return the image of a manifest; None where its media types say that it is something else."""
    described = manifest.get("config")
    config = _blob(blobs, described)
    if isinstance(described, dict) and described.get("mediaType") not in (*_CONFIG_TYPES, None, ""):
        # It is an artefact: a signature, a chart, WebAssembly.
        return None
    layers: list[str] = []
    foreign: list[str] = []
    descriptors = _objects(blobs, manifest.get("layers"), "layers")
    for descriptor in descriptors:
        kind = descriptor.get("mediaType")
        match = _LAYER_TYPE.fullmatch(kind) if isinstance(kind, str) else None
        name = _blob(blobs, descriptor)
        if match is not None and (match["packed"] or "") not in _PACKED_TYPES:
            raise ArchiveError(blobs.path, f"the layer {name} is {shown(str(kind))}, which cannot be read")
        if match is None and kind:
            _check_artefact(blobs, name, shown(str(kind)))
        elif match is not None and (match["oci"] or match["docker"]) and not blobs.has(name):
            foreign.append(posixpath.basename(name)[:12])
        else:
            layers.append(name)
    if descriptors and not layers and not foreign:
        # buildx adds provenance and an SBOM beside an image.
        return None
    _check_layers(blobs, layers)
    missing = tuple(name for name in (config, *layers) if not blobs.has(name))
    if not known and config not in missing:
        platform = platform_of(load_object(blobs, config))
    return Image(
        platform=platform, tag=tag, config=config, layers=tuple(layers), foreign=tuple(foreign), missing=missing
    )


def _check_artefact(blobs: Blobs, name: str, kind: str) -> None:
    """Refuse an artefact that looks like a layer: tools differ on whether they unpack it."""
    if blobs.has(name):
        data, _source = blobs.opened(name)
        head = data.read(_BLOCK_BYTES)
        if codec_of(head) is not None or is_tar(head):
            raise ArchiveError(blobs.path, f"{name} is {kind} and looks like a layer: tools differ on what it is")


def _check_layers(blobs: Blobs, layers: list[str]) -> None:
    if len(layers) > limits.LAYERS:
        raise ArchiveError(blobs.path, f"has an image of more than the bound of {limits.LAYERS} layers")


def platform_of(config: dict[str, object]) -> str:
    """Return "os/architecture/variant" of a config or descriptor."""
    parts = [config.get("os"), config.get("architecture"), config.get("variant")]
    return "/".join(_plain(part) for part in parts if isinstance(part, str) and part) or "unknown"


def _plain(text: str) -> str:
    """Return a platform's or an image's name as one part of a path."""
    return re.sub(r"[^\w.:@+-]", "_", text, flags=re.ASCII).replace("..", "__")


def _blob(blobs: Blobs, descriptor: object) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    match = _DIGEST.fullmatch(digest) if isinstance(digest, str) else None
    if match is None:
        raise ArchiveError(blobs.path, f"a descriptor of the image has no digest: {shown(repr(digest))}")
    return f"blobs/{match[1]}/{match[2]}"


def _objects(blobs: Blobs, value: object, what: str) -> list[dict[str, object]]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise ArchiveError(blobs.path, f"the image's {what} is not a list of objects")
    return value
