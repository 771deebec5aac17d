"""Container images: each of a layout is read, or named in an error; what is not asked for does not block the others."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.archives import find_images, limits
from pytest_golink.archives.roots import open_root
from pytest_golink.errors import GolinkError
from tests.archives.packing import Layout, tar

if TYPE_CHECKING:
    from pathlib import Path

_LAYER = "application/vnd.oci.image.layer.v1.tar"
_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def contents(folder: Path, made: Layout, pattern: str = "**") -> dict[str, str]:
    """What is found in the layout, as a tar and as a folder: the same."""
    made.write(folder / "image")
    (folder / "a").write_bytes(tar(made.files))
    read = []
    for name in ("a", "image"):
        found = find_images([f"{name}!{pattern}"], folder)
        read.append({one.name.removeprefix(f"{name}!"): one.at(folder / "out").read_text() for one in found})
    assert read[0] == read[1]
    return read[0]


def refusal(folder: Path, made: Layout, pattern: str = "**") -> str:
    with pytest.raises(GolinkError) as error:
        contents(folder, made, pattern)
    return str(error.value)


def platform(name: str) -> dict[str, Any]:
    return {"platform": {"os": "linux", "architecture": name}}


def remove(made: Layout, descriptor: dict[str, Any], *, manifest: bool = False, keep: int = 0) -> None:
    """Take an image's blobs out of a layout, but for some of its layers."""
    name = f"blobs/sha256/{descriptor['digest'][7:]}"
    found = json.loads(made.files[name])
    for part in (found["config"], *found["layers"][keep:]):
        made.files.pop(f"blobs/sha256/{part['digest'][7:]}", None)
    if manifest:
        del made.files[name]


def test_an_image_whose_config_names_no_platform_is_read(tmp_path: Path) -> None:
    made = Layout()
    unknown = made.image([tar({"app": b"2"})], os="")
    made.index([made.image([tar({"app": b"1"})]), unknown])

    assert contents(tmp_path, made) == {"linux/amd64/app": "1", "unknown/app": "2"}
    made.index([unknown])
    assert contents(tmp_path, made) == {"app": "2"}


def test_an_image_that_its_index_calls_unknown_is_read(tmp_path: Path) -> None:
    made = Layout()
    hidden = {**made.image([tar({"app": b"2"})]), "platform": {"os": "unknown", "architecture": "unknown"}}
    made.index([made.image([tar({"app": b"1"})]), hidden])

    assert contents(tmp_path, made) == {"linux/amd64/app": "1", "unknown/unknown/app": "2"}


@pytest.mark.parametrize("manifest", [False, True])
def test_a_platform_that_was_not_saved_does_not_block_the_other(manifest: bool, tmp_path: Path) -> None:
    made = Layout()
    here = made.image([tar({"app": b"1"})]) | platform("amd64")
    gone = made.image([tar({"app": b"2"}), tar({"b": b"2"})], architecture="arm64") | platform("arm64")
    made.index([here, gone])
    remove(made, gone, manifest=manifest)

    assert contents(tmp_path, made) == {"linux/amd64/app": "1"}
    assert contents(tmp_path, made, "linux/amd64/app") == {"linux/amd64/app": "1"}
    for pattern in ("linux/arm64/app", "linux/arm64/**"):
        assert "a: the image for linux/arm64 is listed, but blobs/sha256/" in refusal(tmp_path, made, pattern)
    assert "the image for linux/arm64 is listed, but" in refusal(tmp_path, made, "**/other")
    with open_root(tmp_path / "a") as root:
        assert root.read("app") == b"1"


def test_an_image_of_which_a_part_is_missing_is_an_error(tmp_path: Path) -> None:
    made = Layout()
    here = made.image([tar({"app": b"1"})])
    gone = made.image([tar({"app": b"2"}), tar({"b": b"2"})], architecture="arm64")
    made.index([here, gone])
    remove(made, gone, keep=1)

    assert "the image layout has no blobs/sha256/" in refusal(tmp_path, made)
    remove(made, here)
    made.index([here])
    assert "the image layout has no blobs/sha256/" in refusal(tmp_path, made)


@pytest.mark.parametrize("kind", [_FOREIGN, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"])
def test_layers_that_stay_with_their_vendor_do_not_block_the_others(kind: str, tmp_path: Path) -> None:
    made = Layout()
    base = made.blob(b"base", kind)
    own = made.blob(gzip.compress(tar({"Files/app.exe": b"1"})), _LAYER + "+gzip")
    del made.files[f"blobs/sha256/{base['digest'][7:]}"]
    made.index([made.manifest([base, own], config={"os": "windows", "architecture": "amd64"})])

    assert contents(tmp_path, made) == {"Files/app.exe": "1"}
    assert "; 1 of its layers are foreign (their vendor keeps them, as Windows' base layers)" in refusal(
        tmp_path, made, "Files/Windows/x"
    )
    # One that is there is a layer like others.
    here = made.blob(tar({"Files/base": b"0"}), kind)
    made.index([made.manifest([here, own], config={"os": "windows", "architecture": "amd64"})])
    assert contents(tmp_path, made) == {"Files/app.exe": "1", "Files/base": "0"}


def test_artefacts_are_passed_over_by_their_media_type(tmp_path: Path) -> None:
    made = Layout()
    sbom = made.manifest([made.blob(b"{}", "application/spdx+json")])
    chart = made.manifest(
        [made.blob(b"x", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
        config_type="application/vnd.cncf.helm.config.v1+json",
    )
    layer = made.blob(tar({"app": b"1"}), _LAYER)
    beside = made.manifest([layer, made.blob(b"\0asm", "application/wasm")], config={"os": "linux"})
    made.index([sbom, chart, beside])

    assert contents(tmp_path, made) == {"app": "1"}
    made.index([sbom, chart])
    assert "the image layout has no image" in refusal(tmp_path, made)


def test_a_layer_of_an_unknown_media_type_that_is_a_tar_is_an_error(tmp_path: Path) -> None:
    made = Layout()
    for content in (tar({"app": b"1"}), gzip.compress(tar({"app": b"1"}))):
        strange = made.blob(content, "application/x-layer")
        made.index([made.manifest([made.blob(tar({"app": b"1"}), _LAYER), strange], config={"os": "linux"})])
        assert "is application/x-layer and looks like a layer" in refusal(tmp_path, made)


def test_a_layer_that_is_encrypted_is_an_error(tmp_path: Path) -> None:
    made = Layout()
    made.index([made.manifest([made.blob(b"x", _LAYER + "+gzip+encrypted")])])

    assert "is application/vnd.oci.image.layer.v1.tar+gzip+encrypted, which cannot be read" in refusal(tmp_path, made)


def test_a_layer_without_a_media_type_is_read(tmp_path: Path) -> None:
    made = Layout()
    layer = made.blob(tar({"app": b"1"}), "")
    del layer["mediaType"]
    made.index([made.manifest([layer])])

    assert contents(tmp_path, made) == {"app": "1"}


def test_an_image_that_is_listed_twice_is_one(tmp_path: Path) -> None:
    made = Layout()
    one = made.image([tar({"app": b"1"})])
    inner = made.nested_index([one, one])
    made.index([inner, inner, one])

    assert contents(tmp_path, made) == {"app": "1"}


def test_images_whose_names_would_be_one_are_told_apart(tmp_path: Path) -> None:
    made = Layout()
    tags = [
        {**made.image([tar({"app": text.encode()})]), "annotations": {"org.opencontainers.image.ref.name": tag}}
        for text, tag in (("1", "a/b"), ("2", "a b"))
    ]
    made.index(tags)

    assert contents(tmp_path, made) == {"linux/amd64/a_b/app": "1", "linux/amd64/a_b_/app": "2"}


def test_images_whose_members_have_one_name_are_refused(tmp_path: Path) -> None:
    made = Layout()
    plain = made.image([tar({"v7/app": b"1"})], architecture="arm")
    variant = {**made.image([tar({"app": b"2"})]), "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}
    made.index([plain, variant])

    assert "the names of the images linux/arm/ and linux/arm/v7/ overlap" in refusal(tmp_path, made)


def test_globs_find_the_members_of_images_by_whole_names(tmp_path: Path) -> None:
    made = Layout()
    layers = [tar([("usr/bin/app", b"1"), ("bin", "usr/bin")])]
    made.index([made.image(layers), made.image(layers, architecture="arm64")])
    both = {"linux/amd64/usr/bin/app", "linux/arm64/usr/bin/app"}

    assert set(contents(tmp_path, made, "**/app")) == both
    assert set(contents(tmp_path, made, "linux/**")) == both
    assert set(contents(tmp_path, made, "*/*/usr/**/app")) == both
    assert set(contents(tmp_path, made, "**/amd64/**/app")) == {"linux/amd64/usr/bin/app"}
    assert set(contents(tmp_path, made, "linux/*/bin/app")) == {"linux/amd64/bin/app", "linux/arm64/bin/app"}
    assert "no member of a matches" in refusal(tmp_path, made, "linux/*")


def test_a_manifest_with_too_much_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAYERS", 2)
    made = Layout()
    made.index([made.image([tar({"app": b"1"})] * 3)])
    assert "has an image of more than the bound of 2 layers" in refusal(tmp_path, made)

    monkeypatch.setattr(limits, "MANIFESTS", 1)
    made.index([made.image([tar({"app": b"1"})]), made.image([tar({"app": b"2"})])])
    assert "has more than the bound of 1 manifests" in refusal(tmp_path, made)
    (tmp_path / "a").write_bytes(tar({"manifest.json": b'[{"Layers": [], "Config": ""}, {}]'}))
    with pytest.raises(GolinkError, match="has more than the bound of 1 manifests"):
        find_images(["a!**"], tmp_path)


def test_the_members_of_all_images_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Layout()
    made.index([made.image([tar({"a": b"", "b": b""})]), made.image([tar({"c": b"", "d": b""})])])

    monkeypatch.setattr(limits, "MEMBERS_OF_IMAGES", 3)
    assert "has more than the bound of" in refusal(tmp_path, made)
    shared = Layout()
    layers = [tar({"a": b"", "b": b""})]
    shared.index([shared.image(layers), shared.image(layers, architecture="arm")])
    assert "its images have more than the bound of 3 members" in refusal(tmp_path, shared)


def test_a_saved_image_that_is_damaged_is_refused(tmp_path: Path) -> None:
    def saved(manifest: object) -> str:
        (tmp_path / "a").write_bytes(tar({"c.json": b"{}", "manifest.json": json.dumps(manifest).encode()}))
        with pytest.raises(GolinkError) as error:
            find_images(["a!**"], tmp_path)
        return str(error.value)

    assert saved([{"Config": "c.json", "Layers": [1]}]) == "a: manifest.json has a layer that is no text"
    assert saved([{"Config": "c.json", "Layers": ["x"]}]) == "a: the image layout has no x"
    assert saved([{"Config": "gone", "Layers": []}]) == "a: the image layout has no gone"


def test_a_blob_with_another_digest_than_its_name_is_refused(tmp_path: Path) -> None:
    good = Layout()
    described = good.image([tar({"app": b"1"})])
    good.index([described])
    manifest = json.loads(good.files[f"blobs/sha256/{described['digest'][7:]}"])
    for part in (described, manifest["config"], manifest["layers"][0]):
        made = Layout()
        name = f"blobs/sha256/{part['digest'][7:]}"
        made.files = {**good.files, name: good.files[name] + b" "}

        assert f"{name} has another digest, sha256:" in refusal(tmp_path, made)


def test_a_saved_image_is_held_against_the_digests_in_its_names(tmp_path: Path) -> None:
    made = Layout()
    layer = f"blobs/sha256/{made.blob(tar({'app': b'1'}), _LAYER)['digest'][7:]}"
    config = f"blobs/sha256/{made.blob(b'{}', '')['digest'][7:]}"
    saved = {name: made.files[name] for name in (layer, config)}
    saved["manifest.json"] = json.dumps([{"Config": config, "Layers": [layer]}]).encode()
    (tmp_path / "a").write_bytes(tar(saved))
    (tmp_path / "b").write_bytes(tar({**saved, layer: tar({"app": b"2"})}))

    assert [found.name for found in find_images(["a!**"], tmp_path)] == ["a!app"]
    with pytest.raises(GolinkError, match=f"{layer} has another digest"):
        find_images(["b!**"], tmp_path)


def test_a_blob_over_the_bound_is_not_read_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Layout()
    made.index([made.image([tar({"app": b"1"})])])
    monkeypatch.setattr(limits, "UNPACKED_BYTES", 100)
    made.write(tmp_path / "a")

    with pytest.raises(GolinkError, match="bytes, more than the bound of 100"):
        find_images(["a!**"], tmp_path)


@pytest.mark.parametrize("second", ["layers", "Layers", "layer\u017f"])
def test_a_manifest_with_a_key_twice_is_refused(second: str, tmp_path: Path) -> None:
    # Readers in Go take the last of them, in whatever case; others take the one that they know.
    made = Layout()
    manifest = json.loads(made.files[f"blobs/sha256/{made.image([tar({'app': b'1'})])['digest'][7:]}"])
    other = made.blob(tar({"app": b"2"}), _LAYER)
    text = json.dumps(manifest)[:-1] + f', "{second}": {json.dumps([other])}}}'
    made.index([made.blob(text.encode(), "application/vnd.oci.image.manifest.v1+json")])

    assert "an object has 'layers' twice, and tools differ on which one counts" in refusal(tmp_path, made)


def test_labels_that_differ_in_case_are_two(tmp_path: Path) -> None:
    made = Layout()
    config = {"os": "linux", "architecture": "amd64", "config": {"Labels": {"version": "1", "Version": "2"}}}
    made.index([made.manifest([made.blob(tar({"app": b"1"}), _LAYER)], config=config)])

    assert contents(tmp_path, made) == {"app": "1"}


@pytest.mark.parametrize("kind", ["manifest", "index"])
def test_a_manifest_that_is_an_index_too_is_refused(kind: str, tmp_path: Path) -> None:
    made = Layout()
    one = made.image([tar({"app": b"1"})])
    manifest = json.loads(made.files[f"blobs/sha256/{made.image([tar({'app': b'2'})])['digest'][7:]}"])
    text = json.dumps({**manifest, "manifests": []}).encode()
    made.index([one, made.blob(text, f"application/vnd.oci.image.{kind}.v1+json")])

    assert "is an image and an index of images: tools differ on what it is" in refusal(tmp_path, made)
