from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.archives import goreleaser_artifacts
from pytest_golink.errors import ArchiveError, NoMatchError

if TYPE_CHECKING:
    from pathlib import Path


def binary(path: str, goos: str, goarch: str, *, id: str = "agent", **more: Any) -> dict[str, Any]:  # noqa: A002 - goreleaser's
    """As goreleaser v2 writes it: the keys, their order, internal_type."""
    name = path.rsplit("/", 1)[-1]
    ext = ".exe" if goos == "windows" else ""
    extra = {"Binary": name.removesuffix(ext), "Builder": "go", "Ext": ext, "ID": id}
    return {
        "name": name,
        "path": path,
        "goos": goos,
        "goarch": goarch,
        **more,
        "internal_type": 4,
        "type": "Binary",
        "extra": extra,
    }


RELEASE: list[dict[str, Any]] = [
    {"name": "metadata.json", "path": "dist/metadata.json", "internal_type": 30, "type": "Metadata"},
    binary("dist/agent_linux_arm64_v8.0/agent", "linux", "arm64", goarm64="v8.0", target="linux_arm64_v8.0"),
    binary("dist/agent_linux_amd64_v1/agent", "linux", "amd64", goamd64="v1", target="linux_amd64_v1"),
    binary("dist/agent_windows_amd64_v1/agent.exe", "windows", "amd64", goamd64="v1", target="windows_amd64_v1"),
    binary("dist/cli_linux_amd64_v1/cli", "linux", "amd64", id="cli", goamd64="v1", target="linux_amd64_v1"),
    binary("dist/agent_darwin_all/agent", "darwin", "all"),
    {
        "name": "agent_1.0.0_linux_amd64.tar.gz",
        "path": "dist/agent_1.0.0_linux_amd64.tar.gz",
        "goos": "linux",
        "goarch": "amd64",
        "goamd64": "v1",
        "target": "linux_amd64_v1",
        "internal_type": 1,
        "type": "Archive",
        "extra": {"Binaries": ["agent"], "Format": "tar.gz", "ID": "default", "WrappedIn": ""},
    },
    # Published as it is: another name, the same file.
    {**binary("dist/cli_linux_amd64_v1/cli", "linux", "amd64"), "name": "cli_1.0.0_linux_amd64", "internal_type": 2},
    {"name": "checksums.txt", "path": "dist/checksums.txt", "internal_type": 13, "type": "Checksum", "extra": {}},
]


def packed(project: Path, entries: object = None, *, dist: str = "dist") -> Path:
    """Lay out a dist folder as goreleaser leaves it."""
    listed = RELEASE if entries is None else entries
    folder = project / dist
    folder.mkdir(parents=True)
    for entry in listed if isinstance(listed, list) else ():
        file = project / entry["path"]
        if entry["path"].startswith("dist/"):
            file = folder / entry["path"].removeprefix("dist/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(entry["name"])
    (folder / "artifacts.json").write_text(listed if isinstance(listed, str) else json.dumps(listed))
    return folder


def test_each_binary_has_its_target_and_its_file(tmp_path: Path) -> None:
    artifacts = goreleaser_artifacts(packed(tmp_path))

    assert [(one.name, one.id, one.target, one.found.name) for one in artifacts] == [
        ("agent", "agent", None, "dist/agent_darwin_all/agent"),
        ("agent", "agent", "linux/amd64", "dist/agent_linux_amd64_v1/agent"),
        ("agent", "agent", "linux/arm64", "dist/agent_linux_arm64_v8.0/agent"),
        ("agent", "agent", "windows/amd64", "dist/agent_windows_amd64_v1/agent.exe"),
        ("cli", "cli", "linux/amd64", "dist/cli_linux_amd64_v1/cli"),
    ]
    assert artifacts[0].found.path == tmp_path / "dist/agent_darwin_all/agent"


@pytest.mark.parametrize("kind", ["C Shared Library", "A type of a later goreleaser", None])
def test_an_image_of_any_type_is_one(tmp_path: Path, kind: str | None) -> None:
    library = {**binary("dist/lib_linux_amd64_v1/lib.so", "linux", "amd64", id="lib"), "type": kind}
    text = {**binary("dist/lib_linux_amd64_v1/lib.h", "linux", "amd64", id="lib"), "type": "Header"}
    dist = packed(tmp_path, [*RELEASE, library, text])
    (dist / "lib_linux_amd64_v1/lib.so").write_bytes(b"\x7fELF\2\1\1".ljust(64, b"\0"))

    found = [one.found.name for one in goreleaser_artifacts(dist)]
    assert "dist/lib_linux_amd64_v1/lib.so" in found
    assert len(found) == 6


def test_an_image_without_a_target_is_an_error(tmp_path: Path) -> None:
    dist = packed(tmp_path, [*RELEASE, {"name": "x", "path": "dist/x", "type": "File"}])
    (dist / "x").write_bytes(b"\x7fELF\2\1\1".ljust(64, b"\0"))

    with pytest.raises(ArchiveError, match="a binary has no path, goos or goarch"):
        goreleaser_artifacts(dist)


def test_ids_select_builds(tmp_path: Path) -> None:
    dist = packed(tmp_path)

    assert [one.found.name for one in goreleaser_artifacts(dist, ["cli"])] == ["dist/cli_linux_amd64_v1/cli"]
    with pytest.raises(NoMatchError) as error:
        goreleaser_artifacts(dist, ["agent", "server"])
    assert str(error.value) == ('id "server": no binary has it (looked in dist/artifacts.json); there is agent, cli')


def test_a_dist_folder_may_have_moved_with_its_project(tmp_path: Path) -> None:
    dist = packed(tmp_path, dist="from-ci/dist")

    found = goreleaser_artifacts(dist, ["cli"], folder=tmp_path)

    assert found[0].found.name == "from-ci/dist/cli_linux_amd64_v1/cli"


def test_an_absolute_path_of_the_build_machine_is_found_behind_dist(tmp_path: Path) -> None:
    dist = packed(tmp_path)
    entry = binary("/home/runner/work/app/dist/cli_linux_amd64_v1/cli", "linux", "amd64")
    (dist / "artifacts.json").write_text(json.dumps([entry]))

    assert goreleaser_artifacts(dist)[0].found.name == "dist/cli_linux_amd64_v1/cli"


def test_a_prebuilt_binary_lies_beside_dist(tmp_path: Path) -> None:
    dist = packed(tmp_path, [binary("output/agent", "linux", "amd64")])

    assert goreleaser_artifacts(dist)[0].found.name == "output/agent"


@pytest.mark.parametrize(
    "path", ["../outside", "dist/../../outside", "/etc/passwd", "C:/outside", "dist\\..\\..\\outside", "a\0b"]
)
def test_a_path_does_not_lead_out_of_the_project(path: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    dist = packed(tmp_path / "project", [])
    (dist / "artifacts.json").write_text(json.dumps([binary(path, "linux", "amd64")]))

    with pytest.raises(ArchiveError, match=r"leads out of the project$"):
        goreleaser_artifacts(dist)


def test_a_link_does_not_lead_out_of_the_project(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("")
    dist = packed(tmp_path / "project", [])
    (dist / "agent").symlink_to(tmp_path / "outside")
    (dist / "artifacts.json").write_text(json.dumps([binary("dist/agent", "linux", "amd64")]))

    with pytest.raises(ArchiveError, match=r"leads out of the project, to .*/outside$"):
        goreleaser_artifacts(dist)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ("{}", "is not goreleaser's: it is no list of objects"),
        ("[1]", "is not goreleaser's: it is no list of objects"),
        ('[{"type": "Binary", "goos": "linux", "goarch": "amd64"}]', "a binary has no path, goos or goarch: "),
        ('[{"type": "Binary", "path": "dist/a", "goos": "..", "goarch": 1}]', "a binary has no path, goos or goarch: "),
    ],
)
def test_a_list_that_is_damaged_is_an_error(text: str, reason: str, tmp_path: Path) -> None:
    dist = packed(tmp_path, text)

    with pytest.raises(ArchiveError) as error:
        goreleaser_artifacts(dist)
    assert str(error.value).startswith(f"dist/artifacts.json: {reason}")


def test_a_list_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    dist = packed(tmp_path, "[" + " " * (9 << 20) + "]")

    with pytest.raises(ArchiveError, match="more than the bound of 4194304 bytes"):
        goreleaser_artifacts(dist)


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    dist = packed(tmp_path, [RELEASE[0]])
    with pytest.raises(NoMatchError, match='has no artifact of type "Binary"'):
        goreleaser_artifacts(dist)
    (dist / "artifacts.json").write_text(json.dumps([binary("dist/agent", "linux", "amd64")]))
    with pytest.raises(NoMatchError, match=r"^dist/agent: the file that it names is not there \(looked in dist/art"):
        goreleaser_artifacts(dist)
    (dist / "artifacts.json").unlink()
    with pytest.raises(NoMatchError) as error:
        goreleaser_artifacts(dist)
    assert str(error.value) == (
        "dist/artifacts.json: goreleaser's list of what it built is not there (run goreleaser build, or goreleaser "
        f"release) (looked in {dist}); there is metadata.json"
    )
    with pytest.raises(NoMatchError, match=r"^gone/artifacts\.json"):
        goreleaser_artifacts(tmp_path / "gone")
