"""A platform read from the files of a system: this machine's own glibc, and libraries that are compiled for it."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.archives import limits
from pytest_golink.archives.roots import open_root
from pytest_golink.errors import ArchiveError, GolinkError, UnreadableBinaryError
from pytest_golink.platforms import PLATFORMS, parse_platform
from pytest_golink.platforms.root import describe_root, differences
from pytest_golink.reader import read_binary
from tests.archives.packing import Layout, deb, tar
from tests.reader.c_images import zig

if TYPE_CHECKING:
    from pytest_golink import GoSample

_MAP = "GOLINK_1.1 { global: first; local: *; };\nGOLINK_1.10 { global: second; } GOLINK_1.1;\n"


def describe(path: Path) -> dict[str, Any]:
    with open_root(path) as root:
        return describe_root(root)


def copy_glibc(root: Path) -> None:
    """Copy the loader of this machine's Python, and its libc.so.6, to where that loader looks for it."""
    interpreter = read_binary(sys.executable).interpreter
    assert interpreter is not None
    real = Path(os.path.realpath(interpreter))
    libc = next(path for path in (real.with_name("libc.so.6"), Path("/lib64/libc.so.6")) if path.exists())
    for folder in ("usr/lib", "usr/lib64"):
        (root / folder).mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "lib64").symlink_to("/usr/lib64")
    shutil.copy(real, root / "usr/lib64" / Path(interpreter).name)
    # What counts is the directory that the loader names itself.
    own = root / str(libc.parent.resolve()).lstrip("/")
    own.mkdir(parents=True, exist_ok=True)
    shutil.copy(libc, own / "libc.so.6")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root folder with glibc's loader, libc and a versioned library in a folder of which ld.so.cache knows."""
    root = tmp_path_factory.mktemp("system")
    copy_glibc(root)
    for folder in ("opt/ours/lib", "etc", "usr/lib/elsewhere/glibc-hwcaps/x86-64-v3"):
        (root / folder).mkdir(parents=True)
    (root / "etc/ld.so.conf").write_text("/opt/ours/lib\n/usr/lib/elsewhere\n")
    (root / "etc/ld.so.cache").write_bytes(
        cache(
            "/opt/ours/lib/libours.so.1",
            "/opt/gone/libgone.so.1",
            "/usr/lib/elsewhere/glibc-hwcaps/x86-64-v3/libelse.so.1",
        )
    )
    (root / "etc/os-release").write_text('NAME=Ours\nPRETTY_NAME="Our System 1.0"\n')
    library(root / "opt/ours/lib/libours.so.1.1.10", "libours.so.1", _MAP)
    (root / "opt/ours/lib/libours.so.1").symlink_to("/opt/ours/lib/libours.so.1.1.10")
    (root / "opt/ours/lib/libours.so").symlink_to("libours.so.1")
    (root / "opt/ours/lib/libtext.so").write_text("INPUT(-lours)\n")
    for folder in ("usr/lib/elsewhere", "usr/lib/elsewhere/glibc-hwcaps/x86-64-v3"):
        shutil.copy(root / "opt/ours/lib/libours.so.1.1.10", root / folder / "libelse.so.1")
    return root


def cache(*paths: str) -> bytes:
    """What ldconfig writes: glibc's elf/cache.c, struct cache_file_new."""
    entries, strings, start = b"", b"", 48 + 24 * len(paths)
    for path in paths:
        # A library's name is the end of its path.
        entries += struct.pack("<iIIIQ", 0x303, start + len(strings) + path.rindex("/") + 1, start + len(strings), 0, 0)
        strings += path.encode() + b"\0"
    return struct.pack("<20sIIB19x", b"glibc-ld.so.cache1.1", len(paths), len(strings), 2) + entries + strings


def library(path: Path, soname: str, versions: str = "") -> None:
    source = path.with_suffix(".c")
    source.write_text("int first(void) { return 1; }\nint second(void) { return 2; }\n")
    command = ["gcc", "-shared", "-fPIC", "-nostdlib", str(source), "-o", str(path)]
    if soname:
        command.append(f"-Wl,-soname,{soname}")
    if versions:
        script = path.with_suffix(".map")
        script.write_text(versions)
        command.append(f"-Wl,--version-script={script}")
        subprocess.run(command, check=True)
        script.unlink()
    else:
        subprocess.run(command, check=True)
    source.unlink()


def packed(root: Path) -> dict[str, bytes | str]:
    """The folder as the members of a tar."""
    found: dict[str, bytes | str] = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = os.fspath(path.readlink())
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def test_a_folder_is_described_as_its_loader_sees_it(system: Path) -> None:
    table = describe(system)

    goarch = table["targets"][0].partition("/")[2]
    version = os.confstr("CS_GNU_LIBC_VERSION")
    assert version is not None
    assert table["title"] == "Our System 1.0"
    assert (table["libc"], table["libc-version"]) == ("glibc", version.removeprefix("glibc "))
    # Not the names that link editors use, nor what stands in a folder that nothing names.
    assert set(table["libraries"]) == {"libc.so.6", "libours.so.1"}
    assert table["versions"]["GOLINK"] == "1.10"
    assert table["directories"][0] == "/opt/ours/lib"
    assert "/usr/lib/elsewhere" not in table["directories"]
    assert table["usrmerge"] is True
    assert parse_platform("ours", table).has_loader(table_loader(system), goarch)


def table_loader(system: Path) -> str:
    (loader,) = (system / "usr/lib64").iterdir()
    return f"/lib64/{loader.name}"


@pytest.mark.parametrize("form", ["export.tar", "export.tar.gz", "export.tar.xz", "layout", "layout.tar"])
def test_a_system_is_the_same_however_it_is_packed(form: str, system: Path, tmp_path: Path) -> None:
    members = tar(packed(system))
    image = Layout()
    image.index([image.image([gzip.compress(members, 1)])])
    path = tmp_path / form
    if form == "layout":
        image.write(path)
    else:
        path.write_bytes(
            {
                "export.tar": members,
                "export.tar.gz": gzip.compress(members, 1),
                "export.tar.xz": lzma.compress(members, preset=0),
                "layout.tar": tar(image.files),
            }[form]
        )

    assert describe(path) == describe(system)


def test_a_system_without_loader_starts_static_programs_of_its_machine_alone(
    go_sample: GoSample, tmp_path: Path
) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:\n")
    shutil.copy(go_sample("static", target="linux/arm64", cgo=False).path, tmp_path / "app")

    assert describe(tmp_path) == {"targets": ["linux/arm64"], "libc": "none"}


def test_what_stands_in_the_loaders_place_and_is_none_does_not_count(system: Path, tmp_path: Path) -> None:
    # As NixOS has it: a program that says so and exits.
    (tmp_path / "lib64").mkdir()
    name = Path(table_loader(system)).name
    library(tmp_path / "lib64" / name, "stub.so")

    assert describe(tmp_path)["libc"] == "none"


@pytest.mark.parametrize(("arch", "goarch"), [("x86_64", "amd64"), ("s390x", "s390x")])
def test_musl_is_found_by_its_loader(arch: str, goarch: str, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "etc").mkdir()
    loader = tmp_path / f"lib/ld-musl-{arch}.so.1"
    source = tmp_path / "musl.c"
    source.write_text('const char version[] = "\\2001.2.9", banner[] = "musl libc";\n')
    flags = ["-target", f"{arch}-linux-musl", "-shared", "-fPIC", "-nostdlib", f"-Wl,-soname,libc.musl-{arch}.so.1"]
    subprocess.run([*zig(), *flags, str(source), "-o", str(loader)], check=True)
    (tmp_path / f"lib/libc.musl-{arch}.so.1").symlink_to(loader.name)
    (tmp_path / f"etc/ld-musl-{arch}.path").write_text("/lib:/opt/lib\n/srv/lib\n")

    assert describe(tmp_path) == {
        "targets": [f"linux/{goarch}"],
        "libc": "musl",
        "libc-version": "1.2.9",
        "libraries": [loader.name, f"libc.musl-{arch}.so.1"],
        "directories": ["/lib", "/opt/lib", "/srv/lib"],
    }


def test_bionic_is_found_by_its_loader(tmp_path: Path) -> None:
    (tmp_path / "system/bin").mkdir(parents=True)
    (tmp_path / "system/lib64").mkdir()
    library(tmp_path / "system/bin/linker64", "ld-android.so")
    library(tmp_path / "system/lib64/libc.so", "libc.so")

    assert describe(tmp_path) == {
        "targets": ["android/amd64"],
        "libc": "bionic",
        "libraries": ["libc.so"],
        "directories": ["/system/lib64", "/system/lib"],
    }


def test_a_loader_without_a_usual_path_is_found_by_the_systems_own_programs(tmp_path: Path) -> None:
    shell(tmp_path, "/lib/ld64-uClibc.so.1")
    library(tmp_path / "lib/ld64-uClibc.so.1", "ld64-uClibc.so.1")

    table = describe(tmp_path)

    assert (table["libc"], table["loaders"]) == ("uclibc", {"amd64": ["/lib/ld64-uClibc.so.1"]})


def test_a_loader_that_is_not_known_is_no_answer(tmp_path: Path) -> None:
    # A BSD is no Linux, though its programs are of the same format.
    shell(tmp_path, "/libexec/ld-elf.so.1")
    library(tmp_path / "lib/ld-elf.so.1", "ld-elf.so.1")

    with pytest.raises(GolinkError, match=r"for a loader that is not known: /libexec/ld-elf\.so\.1"):
        describe(tmp_path)


def test_a_loader_elsewhere_is_not_the_one_that_programs_name(tmp_path: Path) -> None:
    shell(tmp_path, "/nix/store/glibc/lib/ld-linux-x86-64.so.2")
    (tmp_path / "nix/store/glibc/lib").mkdir(parents=True)
    library(tmp_path / "nix/store/glibc/lib/ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2")

    with pytest.raises(GolinkError, match=r"has glibc's loader at /nix/.*, and not at /lib64/ld-linux-x86-64\.so\.2"):
        describe(tmp_path)


def shell(root: Path, interpreter: str) -> None:
    (root / "bin").mkdir()
    (root / "lib").mkdir()
    source = root / "sh.c"
    source.write_text("void _start(void) { for (;;) ; }\n")
    flags = ["-nostdlib", "-pie", "-fPIE", f"-Wl,--dynamic-linker={interpreter}"]
    subprocess.run(["gcc", *flags, str(source), "-o", str(root / "bin/sh")], check=True)


def test_a_damaged_library_is_no_answer(system: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(system, broken, symlinks=True)
    file = broken / "opt/ours/lib/libours.so.1.1.10"
    file.write_bytes(file.read_bytes()[:600])

    with pytest.raises(UnreadableBinaryError, match=r"opt/ours/lib/libours\.so"):
        describe(broken)


def test_a_folder_of_ld_so_conf_counts_once_ldconfig_has_been_there(system: Path, tmp_path: Path) -> None:
    fresh = tmp_path / "fresh"
    shutil.copytree(system, fresh, symlinks=True)
    (fresh / "etc/ld.so.cache").unlink()

    assert set(describe(fresh)["libraries"]) == {"libc.so.6"}
    assert "/opt/ours/lib" not in describe(fresh)["directories"]


def test_a_library_is_found_by_the_name_that_it_has_elsewhere(system: Path, tmp_path: Path) -> None:
    # Debian has libbz2.so.1.0, and for other systems' programs a link libbz2.so.1.
    linked = tmp_path / "linked"
    shutil.copytree(system, linked, symlinks=True)
    folder = next(linked.rglob("libc.so.6")).parent
    library(folder / "libbz2.so.1.0.4", "libbz2.so.1.0")
    for name in ("libbz2.so", "libbz2.so.1", "libbz2.so.1.0"):
        (folder / name).symlink_to("libbz2.so.1.0.4")

    assert set(describe(linked)["libraries"]) - set(describe(system)["libraries"]) == {"libbz2.so.1", "libbz2.so.1.0"}


def test_a_circle_of_links_is_no_answer(system: Path, tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    shutil.copytree(system, circle, symlinks=True)
    next(circle.rglob("libc.so.6")).with_name("libround.so.1").symlink_to("libround.so.1")

    with pytest.raises(ArchiveError, match="its links go in a circle"):
        describe(circle)


def test_a_link_to_nothing_is_nothing(system: Path, tmp_path: Path) -> None:
    dangling = tmp_path / "dangling"
    shutil.copytree(system, dangling, symlinks=True)
    next(dangling.rglob("libc.so.6")).with_name("libgone.so.1").symlink_to("/gone/libgone.so.1")

    assert describe(dangling) == describe(system)


def test_what_is_no_system_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("not a system")
    several = Layout()
    several.index(
        [several.image([gzip.compress(tar({"bin/sh": b""}))], architecture=name) for name in ("amd64", "arm64")]
    )
    several.write(tmp_path / "several")

    (tmp_path / "cut.tar.gz").write_bytes(gzip.compress(tar({"bin/sh": bytes(range(256)) * 4096}))[:-200])
    (tmp_path / "damaged.tar.gz").write_bytes(b"\x1f\x8b\x08" + bytes(range(200)))
    (tmp_path / "package.deb").write_bytes(deb({"bin/sh": b"#!/bin/dash"}))

    with pytest.raises(GolinkError, match="holds no program and no library"):
        describe(tmp_path / "empty")
    with pytest.raises(ArchiveError, match="is cut short"):
        describe(tmp_path / "cut.tar.gz")
    with pytest.raises(ArchiveError, match="its gzip data is damaged"):
        describe(tmp_path / "damaged.tar.gz")
    with pytest.raises(GolinkError, match="no program and no library"):
        describe(tmp_path / "package.deb")
    with pytest.raises(ArchiveError, match="is not an archive"):
        describe(tmp_path / "text")
    with pytest.raises(ArchiveError, match="has several images"):
        describe(tmp_path / "several")
    with pytest.raises(ArchiveError, match="cannot be read"):
        describe(tmp_path / "missing")


def test_two_c_libraries_are_no_one_platform(system: Path, tmp_path: Path) -> None:
    both = tmp_path / "both"
    shutil.copytree(system, both, symlinks=True)
    library(both / "usr/lib/ld-musl-x86_64.so.1", "libc.so")

    with pytest.raises(GolinkError, match="has loaders of glibc and musl"):
        describe(both)


def test_a_description_is_held_against_the_files() -> None:
    read = parse_platform(
        "there",
        {
            "targets": ["linux/amd64", "linux/mips"],
            "libc": "glibc",
            "libc-version": "2.37",
            "loaders": {"amd64": ["/lib/ld-linux-x86-64.so.2"]},
            "libraries": ["libc.so.6", "libnew.so.1"],
            "versions": {"GLIBCXX": "3.4.30"},
            "cpu": {"amd64": "v2"},
            "usrmerge": True,
        },
    )
    known = parse_platform(
        "here",
        {
            "targets": ["linux/amd64"],
            "libc": "glibc",
            "libc-version": "2.36",
            "loaders": {"amd64": ["/opt/ld.so"]},
            "libraries": {"": ["libc.so.6"], "amd64": ["libold.so.1"]},
            "versions": {"GLIBCXX": "3.4.31"},
        },
    )

    assert differences(known, read) == (
        "loaders: /opt/ld.so is not there, for amd64",
        "loaders: /lib/ld-linux-x86-64.so.2 is missing, for amd64",
        "libraries: libold.so.1 is not there, for amd64",
        "libraries: libnew.so.1 is missing, for amd64",
        "cpu: its C library is for v2, and not for any, of amd64",
        "targets: linux/mips is not among them",
        "libc-version: 2.36 here, 2.37 there",
        "usrmerge: False here, True there",
        "versions.GLIBCXX: 3.4.31 here, 3.4.30 there",
        "versions.GLIBC: 2.36 here, 2.37 there",
    )
    assert differences(PLATFORMS["debian12"], PLATFORMS["debian12"]) == ()


def test_musl_has_its_own_directories_where_no_file_names_others(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    source = tmp_path / "musl.c"
    source.write_text("int first(void) { return 1; }\n")
    flags = ["-target", "x86_64-linux-musl", "-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libc.so"]
    subprocess.run([*zig(), *flags, str(source), "-o", str(tmp_path / "lib/ld-musl-x86_64.so.1")], check=True)

    assert describe(tmp_path)["directories"] == ["/lib", "/usr/local/lib", "/usr/lib"]


def test_a_file_over_the_bound_is_no_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").write_bytes(bytes(5000))
    monkeypatch.setattr(limits, "MEMBER_BYTES", 4999)

    with pytest.raises(ArchiveError, match="is over the bound of 4999 bytes"):
        describe(tmp_path)


def test_links_of_a_folder_stay_inside_of_it(tmp_path: Path) -> None:
    (tmp_path / "usr/lib").mkdir(parents=True)
    (tmp_path / "lib").symlink_to("/usr/lib")
    (tmp_path / "usr/lib/libown.so").symlink_to("/etc/passwd")

    with open_root(tmp_path) as root:
        assert root.link("/lib") == "/usr/lib"
        # By way of the folder's own /usr/lib, not of this machine's.
        assert root.link("/lib/libown.so") == "/etc/passwd"
        assert root.read("/lib/libown.so") is None
        assert root.entries("/lib") == ["usr/lib/libown.so"]
