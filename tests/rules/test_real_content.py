"""The rules of content and cgo on images that Go made, and on what was done to them afterwards."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from pytest_golink import (
    CryptoModule,
    PolicyViolation,
    UnreadableBinaryError,
    assert_build_setting,
    assert_claims_hold,
    assert_fips,
    assert_go_version,
    assert_intact,
    assert_no_build_paths,
    assert_no_dynamic_imports,
    assert_no_instrumentation,
    assert_no_modules,
    assert_static,
    assert_user_lookup,
    assert_vcs_clean,
    read_binary,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild, GoSample
    from pytest_golink.facts import UserLookup

_BUILD_INFO_MAGIC = b"\xff Go buildinf:"
_PCLNTAB_MAGIC = b"\xf1\xff\xff\xff\0\0"


def altered(path: Path, to: Path, old: bytes, new: bytes) -> Path:
    """A copy in which one text stands in another's place; it must be there, and as long."""
    data = path.read_bytes()
    assert len(old) == len(new)
    assert old in data
    to.write_bytes(data.replace(old, new))
    return to


@pytest.mark.parametrize(
    ("target", "tags", "kind"),
    [
        ("linux/amd64", (), "files"),
        ("openbsd/amd64", (), "files"),
        ("darwin/arm64", (), "system"),
        ("darwin/arm64", ("osusergo",), "files"),
        ("windows/amd64", (), "system"),
    ],
)
def test_users_are_looked_up_as_the_platform_does_without_cgo(
    go_sample: GoSample, target: str, tags: tuple[str, ...], kind: UserLookup
) -> None:
    binary = go_sample("users", target=target, cgo=False, tags=tags)

    assert_user_lookup(binary, kind)
    assert_no_dynamic_imports(binary)
    assert_no_instrumentation(binary)
    assert_claims_hold(binary)


@pytest.mark.parametrize(("tags", "kind"), [((), "system"), (("osusergo",), "files")])
def test_users_are_looked_up_by_libc_with_cgo(go_sample: GoSample, tags: tuple[str, ...], kind: UserLookup) -> None:
    binary = go_sample("users", cgo=True, tags=tags)

    assert_user_lookup(binary, kind)
    assert_claims_hold(binary)


def test_a_directive_imports_without_cgo(go_sample: GoSample) -> None:
    binary = go_sample("importdynamic", cgo=False)

    with pytest.raises(PolicyViolation, match="imports puts, without cgo"):
        assert_no_dynamic_imports(binary)
    assert_no_dynamic_imports(binary, allow="puts")


def test_a_directive_is_told_from_the_standard_librarys_on_macos(go_build: GoBuild, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text(
        'package main\n\n//go:cgo_import_dynamic libc_puts puts "/usr/lib/libSystem.B.dylib"\n\n'
        "func puts_trampoline()\n\nvar imported = puts_trampoline\n\nfunc main() { println(imported != nil) }\n"
    )
    (tmp_path / "puts.s").write_text(
        '#include "textflag.h"\n\nTEXT ·puts_trampoline(SB),NOSPLIT,$0-0\n\tJMP libc_puts(SB)\n'
    )
    binary = go_build(".", target="darwin/arm64", cgo=False, cwd=tmp_path)

    with pytest.raises(PolicyViolation) as violation:
        assert_no_dynamic_imports(binary)
    assert violation.value.finding.evidence == (
        "pclntab: main calls shared libraries by itself",
        "imports puts from /usr/lib/libSystem.B.dylib, without cgo",
    )
    assert_no_dynamic_imports(binary, allow="main")


def test_build_paths_are_seen_in_all_three_places(go_build: GoBuild, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() {}\n")
    binary = go_build(".", cgo=False, cwd=tmp_path, ldflags=f"-X main.unused=/etc -L {tmp_path}/lib")

    paths = binary.facts.content.build_paths
    assert paths is not None
    seen = {(found.where, found.path) for found in paths}
    assert {("pclntab", str(tmp_path)), ("DWARF", str(tmp_path))} <= seen
    assert [found.path for found in paths if found.where == "build setting -ldflags"] == [f"{tmp_path}/lib"]
    with pytest.raises(PolicyViolation, match=r"remedy +-trimpath"):
        assert_no_build_paths(binary)


@pytest.mark.parametrize(("sample", "linkmode"), [("lookup", None), ("lookup", "external"), ("cgo", None)])
def test_trimpath_leaves_no_path_of_the_build_machine(go_sample: GoSample, sample: str, linkmode: str | None) -> None:
    binary = go_sample(sample, cgo=True, trimpath=True, linkmode=linkmode)

    assert binary.facts.dwarf is True
    assert_no_build_paths(binary)
    assert_claims_hold(binary)


def test_a_build_info_that_was_overwritten_is_not_intact(go_sample: GoSample, tmp_path: Path) -> None:
    binary = go_sample("static", cgo=False)
    assert_intact(binary)
    cut = altered(binary.path, tmp_path / "cut", _BUILD_INFO_MAGIC, bytes(len(_BUILD_INFO_MAGIC)))

    with pytest.raises(PolicyViolation, match="no build info"):
        assert_intact(cut)
    for claimed in (assert_claims_hold, assert_vcs_clean):
        with pytest.raises(PolicyViolation, match="the image does not say"):
            claimed(cut)


def test_a_pclntab_that_was_overwritten_is_an_error_that_names_it(go_sample: GoSample, tmp_path: Path) -> None:
    binary = go_sample("static", cgo=False)
    broken = altered(binary.path, tmp_path / "broken", _PCLNTAB_MAGIC, bytes(len(_PCLNTAB_MAGIC)))

    with pytest.raises(UnreadableBinaryError, match="pclntab"):
        assert_intact(broken)


def test_a_packed_image_passes_no_rule(go_sample: GoSample, tmp_path: Path) -> None:
    data = bytearray(go_sample("static", cgo=False).path.read_bytes())
    program_headers, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    # l_info behind the program headers: checksum, magic, size, version, format.
    struct.pack_into("<I4sHBB", data, program_headers + 56 * count, 0, b"UPX!", 0, 13, 22)
    # A packed file has no section headers: e_shoff, e_shnum, e_shstrndx.
    struct.pack_into("<Q", data, 40, 0)
    struct.pack_into("<2H", data, 60, 0, 0)
    packed = tmp_path / "packed"
    packed.write_bytes(data)

    assert read_binary(packed).content.packed == "UPX"
    with pytest.raises(PolicyViolation, match="packed by UPX"):
        assert_intact(packed)
    with pytest.raises(PolicyViolation, match="the headers are the unpacker's"):
        assert_static(packed)


@pytest.mark.parametrize(
    ("old", "new", "contradiction"),
    [
        (b"build\tGOARCH=amd64", b"build\tGOARCH=arm64", "GOARCH=arm64, but the headers say amd64"),
        (b"build\tGOOS=linux", b"build\tGOOS=plan9", "GOOS=plan9, but its entry point is linux's"),
        (b"buildmode=exe", b"buildmode=pie", "-buildmode=pie, but the image is not position independent"),
        (
            b"build\tGOAMD64=v1",
            b"build\t-race=true",
            "-race=true, but its run-time support is not linked in",
        ),
    ],
)
def test_a_build_info_that_was_changed_is_contradicted(
    go_sample: GoSample, tmp_path: Path, old: bytes, new: bytes, contradiction: str
) -> None:
    binary = go_sample("static", cgo=False)
    assert_claims_hold(binary)

    with pytest.raises(PolicyViolation) as violation:
        assert_claims_hold(altered(binary.path, tmp_path / "changed", old, new))
    assert violation.value.finding.evidence == (contradiction,)


def test_a_version_that_was_changed_is_contradicted_by_the_pclntab(go_sample: GoSample, tmp_path: Path) -> None:
    binary = go_sample("static", cgo=False)
    assert binary.facts.go is not None
    version = binary.facts.go.version
    assert version is not None
    assert version.startswith("go1.2")
    older = altered(binary.path, tmp_path / "older", version.encode(), b"go1.1" + version[5:].encode())

    with pytest.raises(PolicyViolation, match=r"but the pclntab has the layout of Go 1\.20"):
        assert_claims_hold(older)


def test_a_position_independent_build_that_static_undid_is_contradicted(go_sample: GoSample) -> None:
    binary = go_sample("static", cgo=True, buildmode="pie", linkmode="external", extldflags="-static")

    with pytest.raises(PolicyViolation, match="-buildmode=pie, but the image is not position independent"):
        assert_claims_hold(binary)
    # What the remedy says.
    assert_claims_hold(go_sample("static", cgo=True, buildmode="pie", linkmode="external", extldflags="-static-pie"))


_CRYPTO = """package main

import "crypto/sha256"

func main() { println(sha256.Sum256([]byte("x"))[0]) }
"""


def crypto_of(go_build: GoBuild, folder: Path, **environment: str) -> tuple[CryptoModule, ...]:
    (folder / "go.mod").write_text("module example.com/app\n\ngo 1.24\n")
    (folder / "main.go").write_text(_CRYPTO)
    cgo = environment.pop("CGO_ENABLED", "0") == "1"
    binary = go_build(".", cgo=cgo, cwd=folder, env=environment)
    if "GOFIPS140" in environment:
        assert_fips(binary, "go", module=environment["GOFIPS140"], mode="on")
        assert_claims_hold(binary)
    crypto = binary.facts.content.crypto
    assert crypto is not None
    return crypto


@pytest.mark.long
def test_the_frozen_cryptographic_module_is_told_by_its_path(go_build: GoBuild, tmp_path: Path) -> None:
    (module,) = crypto_of(go_build, tmp_path, GOFIPS140="v1.0.0")
    assert module.kind == "go"
    assert module.version is not None
    assert module.version.startswith("v1.0.0-")
    assert crypto_of(go_build, tmp_path) == (CryptoModule(kind="go"),)


@pytest.mark.long
def test_boringcrypto_without_cgo_is_recorded_and_not_there(go_build: GoBuild, tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/app\n\ngo 1.24\n")
    (tmp_path / "main.go").write_text(_CRYPTO)
    experiment = {"GOEXPERIMENT": "boringcrypto"}
    binary = go_build(".", target="linux/amd64", cgo=False, cwd=tmp_path, env=experiment)

    assert_build_setting(binary, {"GOEXPERIMENT": "boringcrypto", "CGO_ENABLED": "0"})
    with pytest.raises(PolicyViolation, match="none of BoringCrypto's functions is linked in"):
        assert_claims_hold(binary)
    with pytest.raises(PolicyViolation, match="with CGO_ENABLED=0 Go silently does without it"):
        assert_fips(binary, "boringcrypto")
    # What the remedy says.
    with_cgo = go_build(".", target="linux/amd64", cgo=True, cwd=tmp_path, env=experiment)
    assert_fips(with_cgo, "boringcrypto")
    assert_claims_hold(with_cgo)


def test_what_the_build_info_says_is_asked(go_sample: GoSample) -> None:
    binary = go_sample("static", cgo=False)

    assert_go_version(binary, at_least="1.21")
    assert_build_setting(binary, settings={"CGO_ENABLED": "0", "-race": ""})
    assert_no_modules(binary, ["golang.org/x/*", "example.com/other@v1.*"])
    with pytest.raises(PolicyViolation, match=r"Go at most 1\.20"):
        assert_go_version(binary, at_most="1.20")
