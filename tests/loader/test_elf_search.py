"""Which file a loader takes for each DT_NEEDED: libraries are compiled, and laid out as programs ship them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink import reader
from pytest_golink.facts import ImportedSymbol, VersionNeed
from pytest_golink.loader import elf_search
from pytest_golink.platforms import PLATFORMS, parse_platform
from pytest_golink.reader.elf.system import read_exports
from pytest_golink.rules.runs_on import start_on
from tests.reader.c_images import zig
from tests.rules.facts_factory import DYNAMIC, IMPORT_DYNAMIC, go, needed, subject, symbols, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

V1 = go(CGO_ENABLED="1", GOOS="linux", GOARCH="amd64", GOAMD64="v1")
DEBIAN = PLATFORMS["debian12"]
ALPINE = PLATFORMS["alpine3.20"]
MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"
MISSING = "libown.so.1 is not in the base system, nor beside the image"


@pytest.fixture
def app(tmp_path: Path) -> BinaryFacts:
    """A program that needs libown.so.1 and looks for it beside itself."""
    image = replace(DYNAMIC, needed=needed("libown.so.1"), runpath=("$ORIGIN",), version_needs=(), imports=(), go=V1)
    return replace(image, path=str(tmp_path / "app"))


def answer(facts: BinaryFacts, platform: Any = DEBIAN, name: str = "app") -> tuple[bool | None, str]:
    found = start_on(replace(subject(facts), name=name), platform).answer
    return found.starts, found.reason


def library(path: Path, *flags: str, versions: str = "", compiler: tuple[str, ...] = ("gcc",)) -> Path:
    """A shared library; without -lc it needs no other one that no flag names."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source = path.with_name("source.c")
    value = "getenv(0) != 0" if "-lc" in flags else "1"
    source.write_text(f"char *getenv(const char *);\nint first(void) {{ return {value}; }}\n")
    command = [*compiler, "-shared", "-fPIC", f"-Wl,-soname,{path.name}", str(source), *flags, "-o", str(path)]
    if "-lc" not in flags:
        command.append("-nostdlib")
    if versions:
        script = path.with_name("source.map")
        script.write_text(versions)
        command.append(f"-Wl,--version-script={script}")
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ("$ORIGIN", "."),
        ("${ORIGIN}/lib", "lib"),
        ("$ORIGIN/../lib", "../lib"),
        # The first folder has none.
        ("/none:$ORIGIN/lib", "lib"),
    ],
)
def test_a_library_without_libc_beside_the_image_is_found(
    entry: str, place: str, app: BinaryFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(app.path).parent / "bin/app"
    monkeypatch.chdir(Path(app.path).parent)
    library(path.parent / place / "libown.so.1")

    assert answer(replace(app, path=str(path), runpath=tuple(entry.split(":")))) == (True, "")


@pytest.mark.parametrize("form", ["folder", "link to a folder", "link to a file", "needed path"])
def test_golink_does_not_look_outside_of_the_project(form: str, app: BinaryFacts) -> None:
    project = Path(app.path).parent / "project"
    secret = library(project.parent / "lib/libown.so.1")
    (project / ".git").mkdir(parents=True)
    (project / "bin").mkdir()
    image = replace(app, path=str(project / "bin/app"))
    where = "DT_RUNPATH $ORIGIN/lib (outside of the project)"
    if form == "folder":
        image = replace(image, runpath=("$ORIGIN/../../lib",))
        where = "DT_RUNPATH $ORIGIN/../../lib (outside of the project)"
    elif form == "link to a folder":
        image = replace(image, runpath=("$ORIGIN/lib",))
        (project / "bin/lib").symlink_to("../../lib")
    elif form == "link to a file":
        (project / "bin/libown.so.1").symlink_to("../../lib/libown.so.1")
    else:
        image = replace(image, needed=needed("$ORIGIN/../../lib/libown.so.1"))
    if form == "link to a file":
        expected = f"libown.so.1, beside the image, is a link to {secret}: what is there is not known here"
    elif form == "needed path":
        expected = "$ORIGIN/../../lib/libown.so.1: what is in that path there is not known here"
    else:
        expected = f"libown.so.1: what is in {where} there is not known here"

    assert answer(image) == (None, expected)
    # With the repository around both, it is found.
    (project / ".git").rmdir()
    (project.parent / ".git").mkdir()
    assert answer(image)[0] is True


def test_without_a_repository_the_folder_of_the_image_or_the_working_folder_is_the_project(
    app: BinaryFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = Path(app.path).parent
    library(top / "lib/libown.so.1")
    (top / "bin").mkdir()
    image = replace(app, path=str(top / "bin/app"), runpath=("$ORIGIN/../lib",))

    assert answer(image)[0] is None
    monkeypatch.chdir(top)
    assert answer(image) == (True, "")
    monkeypatch.chdir("/")
    assert answer(image)[0] is None


@pytest.mark.parametrize("entry", ["$ORIGIN/$LIB", "$ORIGIN/${PLATFORM}", "$ORIGINAL", "/opt/$ORIGIN", "lib"])
def test_what_other_tokens_and_folders_stand_for_is_the_machine_s(entry: str, app: BinaryFacts) -> None:
    library(Path(app.path).with_name("libown.so.1"))

    text = f"libown.so.1: what is in DT_RUNPATH {entry} there is not known here"
    assert answer(replace(app, runpath=(entry,))) == (None, text)


def test_an_empty_entry_is_the_current_folder(app: BinaryFacts) -> None:
    assert answer(replace(app, runpath=("", "/usr/lib"))) == (
        None,
        "libown.so.1: what is in DT_RUNPATH the current folder there is not known here",
    )


def test_a_folder_that_the_loader_looks_into_anyway_has_nothing_more(app: BinaryFacts) -> None:
    assert answer(replace(app, runpath=("/usr/lib/",))) == (False, "libown.so.1 is not in the base system")


def test_musl_takes_no_notice_of_a_path_with_a_token_that_it_does_not_know(app: BinaryFacts) -> None:
    library(Path(app.path).with_name("libown.so.1"))
    image = replace(app, interpreter=MUSL_LOADER)

    assert answer(image, ALPINE) == (True, "")
    assert answer(replace(image, runpath=("$ORIGIN", "$ORIGIN/$LIB")), ALPINE)[0] is False
    assert answer(replace(image, runpath=("", "$ORIGIN/none")), ALPINE) == (False, MISSING)


def test_a_library_that_was_found_once_is_not_looked_for_again(app: BinaryFacts) -> None:
    inner = library(Path(app.path).with_name("libinner.so.1"))
    library(Path(app.path).with_name("libown.so.1"), "-Wl,--no-as-needed", str(inner))

    # DT_RUNPATH is the image's own; what it has loaded is there for its libraries too.
    assert answer(app) == (False, "libinner.so.1 is not in the base system")
    assert answer(replace(app, needed=needed("libown.so.1", "libinner.so.1"))) == (True, "")


def test_dt_rpath_counts_for_the_libraries_too_but_not_past_a_dt_runpath(app: BinaryFacts) -> None:
    inner = library(Path(app.path).with_name("libinner.so.1"))
    outer = Path(app.path).with_name("libown.so.1")
    image = replace(app, runpath=(), rpath=("$ORIGIN",))

    library(outer, "-Wl,--no-as-needed", str(inner))
    assert answer(image) == (True, "")
    library(outer, "-Wl,--no-as-needed", str(inner), "-Wl,-rpath,$ORIGIN/none", "-Wl,--enable-new-dtags")
    assert answer(image) == (False, "libinner.so.1 is not in the base system, nor beside the image")
    # musl hands on both.
    assert answer(replace(app, interpreter=MUSL_LOADER), ALPINE) == (True, "")


def test_a_needed_path_may_start_at_the_image(app: BinaryFacts) -> None:
    library(Path(app.path).parent / "lib/libown.so.1")
    image = replace(app, needed=needed("$ORIGIN/lib/libown.so.1"), runpath=())

    assert answer(image) == (True, "")
    assert answer(replace(image, interpreter=MUSL_LOADER), ALPINE)[0] is None


def test_a_library_for_another_machine_is_passed_over_but_not_by_musl(app: BinaryFacts) -> None:
    folder = Path(app.path).parent
    foreign = library(folder / "a/libown.so.1", compiler=(*zig(), "-target", "aarch64-linux-gnu"))
    foreign.with_name("libz.so.1").symlink_to(foreign.name)
    image = replace(app, runpath=("$ORIGIN/a", "$ORIGIN/b"))

    assert answer(image) == (False, "libown.so.1, beside the image, is for arm64")
    assert answer(replace(image, needed=needed("libz.so.1"))) == (True, "")
    library(folder / "b/libown.so.1")
    assert answer(image) == (True, "")
    assert answer(replace(image, interpreter=MUSL_LOADER), ALPINE) == (
        False,
        "libown.so.1, beside the image, is for arm64",
    )
    assert answer(replace(image, target=target("linux/arm64"), interpreter=None, go=None)) == (True, "")


def test_a_file_that_is_no_library_ends_the_start(app: BinaryFacts) -> None:
    path = Path(app.path).with_name("libown.so.1")

    path.write_bytes(b"INPUT(libother.so)\n")
    assert answer(app) == (False, "libown.so.1, beside the image, is no ELF file: the loader ends there")
    path.write_bytes(b"\x7fELF")
    assert answer(app)[0] is None
    path.unlink()
    path.mkdir()
    assert answer(app) == (False, "libown.so.1, beside the image, is a folder: the loader ends there")


def test_a_library_of_a_terabyte_is_not_read(app: BinaryFacts) -> None:
    path = Path(app.path).with_name("libown.so.1")
    with path.open("wb") as file:
        file.write(b"\x7fELF")
        file.truncate(1 << 40)

    assert answer(app) == (
        None,
        "libown.so.1, beside the image, cannot be read: it has 1099511627776 bytes, more than the bound of 536870912",
    )


def test_a_link_is_followed_where_it_does_not_lead_to_a_path_of_the_machine(
    app: BinaryFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = library(tmp_path / "real/libown.so.1.0")
    path = Path(app.path).with_name("libown.so.1")

    path.symlink_to("real/libown.so.1.0")
    assert answer(app) == (True, "")
    path.unlink()
    path.symlink_to(real)
    assert answer(app) == (None, f"libown.so.1, beside the image, is a link to {real}: what is there is not known here")
    path.unlink()
    path.symlink_to("real/libown.so.1.0")
    monkeypatch.setattr(elf_search, "_LINKS", 0)
    assert answer(app) == (True, "")


def test_a_program_that_is_a_link_looks_beside_what_it_links_to(app: BinaryFacts, tmp_path: Path) -> None:
    library(tmp_path / "libexec/libown.so.1")
    (tmp_path / "libexec/app").touch()
    Path(app.path).symlink_to("libexec/app")

    assert answer(app) == (True, "")


@pytest.mark.parametrize("folder", ["glibc-hwcaps/x86-64-v3", "tls"])
def test_a_library_for_some_cpus_alone_is_left_open(folder: str, app: BinaryFacts) -> None:
    library(Path(app.path).parent / folder / "libown.so.1")

    assert answer(app) == (
        None,
        f"libown.so.1, beside the image, is only in {folder}, where not every loader and CPU looks",
    )
    assert answer(replace(app, interpreter=MUSL_LOADER), ALPINE) == (False, MISSING)


def test_what_is_beside_a_member_of_an_archive_is_left_open(app: BinaryFacts) -> None:
    assert answer(app, name="dist/app.tar.gz!bin/app") == (
        None,
        "libown.so.1 is not in the base system; what is beside the image in its archive is not looked at",
    )
    assert answer(replace(app, runpath=()), name="dist/app.tar.gz!bin/app")[0] is False


@pytest.mark.parametrize(
    ("path", "starts"),
    [
        ("//lib64/ld-linux-x86-64.so.2", True),
        ("/usr/../lib64/ld-linux-x86-64.so.2", True),
        ("/lib/ld-linux-x86-64.so.2", False),
        ("lib64/ld-linux-x86-64.so.2", None),
    ],
)
def test_a_loader_may_be_named_by_another_path_to_it(path: str, starts: bool | None, app: BinaryFacts) -> None:
    assert answer(replace(app, needed=(), interpreter=path))[0] is starts


LAZY = replace(DYNAMIC.hardening, relro="partial")
OWN = "OWN_1.0 { global: first; local: *; };\n"


def own(version: str, *, weak: bool = False) -> tuple[VersionNeed, ...]:
    return (VersionNeed(library="libown.so.1", version=version, weak=weak),)


def test_a_library_beside_the_image_must_define_the_versions_that_are_needed_of_it(app: BinaryFacts) -> None:
    path = library(Path(app.path).with_name("libown.so.1"), "-lc", versions=OWN)

    assert answer(replace(app, version_needs=own("OWN_1.0"))) == (True, "")
    assert answer(replace(app, version_needs=own("OWN_1.1"))) == (
        False,
        "libown.so.1, beside the image, does not define OWN_1.1",
    )
    warns = "libown.so.1, beside the image, does not define OWN_1.1: the loader warns, and calls may fail"
    assert answer(replace(app, version_needs=own("OWN_1.1", weak=True))) == (True, warns)
    # It calls libc: it has a table of versions, without any of its own.
    library(path, "-lc")
    assert answer(replace(app, version_needs=own("OWN_1.1"))) == (True, warns)
    library(path)
    assert answer(replace(app, version_needs=own("OWN_1.1")))[0] is False


@pytest.mark.parametrize(
    ("symbol", "changes", "starts"),
    [
        (ImportedSymbol(name="first"), {}, True),
        (ImportedSymbol(name="second", weak=True), {}, True),
        (ImportedSymbol(name="second", library="libown.so.1", version="OWN_1.0"), {}, False),
        # It may be bound at the first call.
        (ImportedSymbol(name="second", library="libown.so.1", version="OWN_1.0"), {"hardening": LAZY}, None),
        # None of glibc's has that name, nor of libz's.
        (ImportedSymbol(name="second"), {}, False),
        (ImportedSymbol(name="second"), {"version_needs": ()}, False),
        (ImportedSymbol(name="puts"), {}, True),
        (ImportedSymbol(name="second"), {"needed": needed("libown.so.1", "libz.so.1")}, False),
        (ImportedSymbol(name="adler32"), {"needed": needed("libown.so.1", "libz.so.1")}, True),
        # It may be one of a library whose symbols are not known, or that of the program that loads the image.
        (ImportedSymbol(name="second"), {"needed": needed("libown.so.1", "libgcc_s.so.1")}, True),
        (ImportedSymbol(name="second"), {"kind": "shared-library"}, True),
    ],
)
def test_what_a_program_calls_must_be_in_a_library(
    symbol: ImportedSymbol, changes: dict[str, Any], starts: bool | None, app: BinaryFacts
) -> None:
    library(Path(app.path).with_name("libown.so.1"), versions=OWN)
    bound = replace(app.hardening, relro="full")
    image = replace(app, imports=(symbol,), **{"version_needs": own("OWN_1.0"), "hardening": bound, **changes})

    assert answer(image)[0] is starts
    if starts is not True:
        place = "beside the image" if symbol.version else "there"
        assert answer(image)[1] == f"calls second, which no library {place} has"


def test_musl_binds_every_symbol_at_the_start(app: BinaryFacts) -> None:
    library(Path(app.path).with_name("libown.so.1"))
    image = replace(app, interpreter=MUSL_LOADER, needed=needed("libown.so.1", "libc.so"))

    assert answer(replace(image, imports=symbols("first", "puts", "statx")), ALPINE) == (True, "")
    assert answer(replace(image, imports=symbols("second")), ALPINE) == (
        False,
        "calls second, which no library there has",
    )


def test_the_loader_and_musl_are_not_looked_for_beside_the_image(app: BinaryFacts) -> None:
    for name in ("ld-linux-x86-64.so.2", "libc.so.6"):
        Path(app.path).with_name(name).write_text("not a library")

    assert answer(replace(app, needed=needed("ld-linux-x86-64.so.2"))) == (True, "")
    assert answer(replace(app, needed=needed("libc.so.6"), interpreter=MUSL_LOADER), ALPINE) == (True, "")


def test_a_library_beside_the_image_may_need_more_than_the_cpu_has(app: BinaryFacts) -> None:
    library(Path(app.path).with_name("libown.so.1"), "-Wl,-z,x86-64-v3")
    own_platform = parse_platform("own", {"extends": "debian12", "cpu": {"amd64": "v3"}})

    assert answer(app) == (False, "libown.so.1, beside the image, needs GOAMD64=v3; debian12 runs on v1")
    assert answer(app, own_platform) == (True, "")


def test_what_other_libraries_need_in_turn_may_bring_what_is_not_needed() -> None:
    image = replace(IMPORT_DYNAMIC, imports=symbols("dlopen"), go=V1)

    assert answer(image, PLATFORMS["debian11"])[0] is False
    assert answer(replace(image, needed=needed("libcrypto.so.1.1", "libc.so.6")), PLATFORMS["debian11"])[0] is None
    timer = replace(image, imports=(ImportedSymbol(name="shm_open"),))
    assert answer(timer, PLATFORMS["debian11"])[1] == (
        "calls shm_open without needing librt.so.1, where glibc 2.31 has it"
    )


@pytest.mark.parametrize("arch", ["x86", "x86_64", "s390x"])
def test_a_library_s_symbols_are_those_that_it_defines_for_others(arch: str, tmp_path: Path) -> None:
    path = library(tmp_path / "libown.so.1", compiler=(*zig(), "-target", f"{arch}-linux-gnu"), versions=OWN)

    assert "first" in read_exports(str(path), memoryview(path.read_bytes()))
    assert "getenv" not in read_exports(str(path), memoryview(path.read_bytes()))


def test_a_static_program_in_a_library_s_place_has_nothing_to_call(app: BinaryFacts) -> None:
    path = Path(app.path).with_name("libown.so.1")
    source = path.with_name("source.c")
    source.write_text("void _start(void) { for (;;) ; }\n")
    subprocess.run(["gcc", "-static", "-nostdlib", str(source), "-o", str(path)], check=True)
    hardening = replace(app.hardening, relro="full")
    image = replace(app, imports=(ImportedSymbol(name="first", library="libown.so.1"),), hardening=hardening)

    assert answer(image) == (False, "calls first, which no library beside the image has")


def test_a_go_library_beside_the_image_may_have_a_level_that_is_not_recorded(
    app: BinaryFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    library(Path(app.path).with_name("libown.so.1"))
    read = reader.read_binary
    monkeypatch.setattr(reader, "read_binary", lambda path: replace(read(path), go=go()))

    assert answer(app) == (True, "")
