"""What a loader refuses or crashes on, whatever libraries an image needs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_golink.facts import BinaryFacts, Elf, ImportedSymbol, Libc, Loading, VersionNeed
from pytest_golink.platforms import PLATFORMS, parse_platform
from pytest_golink.rules.runs_on import start_on
from tests.rules.facts_factory import DYNAMIC, STATIC, go, needed, subject, symbols, target

V1 = go(CGO_ENABLED="1", GOOS="linux", GOARCH="amd64", GOAMD64="v1")
MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"
PLAIN = replace(DYNAMIC, go=V1, version_needs=(), imports=(), needed=needed("libc.so.6"), loading=Loading())
MUSL = replace(PLAIN, interpreter=MUSL_LOADER, needed=needed("libc.musl-x86_64.so.1"))


ANDROID = replace(
    PLAIN,
    target=target("android/arm64"),
    interpreter="/system/bin/linker64",
    needed=needed("libc.so"),
    go=None,
    hardening=replace(PLAIN.hardening, pie=True),
    libc=Libc(kind="bionic", presence="dynamic"),
)


def answer(facts: BinaryFacts, platform: str = "debian12") -> tuple[bool | None, str]:
    found = start_on(subject(facts), PLATFORMS[platform]).answer
    return found.starts, found.reason


def loads(facts: BinaryFacts, **loading: object) -> BinaryFacts:
    return replace(facts, loading=Loading(**loading))  # type: ignore[arg-type] # the test's own words


def for_(goarch: str, facts: BinaryFacts = PLAIN, loader: str | None = None) -> BinaryFacts:
    platform = PLATFORMS["debian12"]
    return replace(
        facts,
        target=target(f"linux/{goarch}"),
        interpreter=loader or platform.loaders[goarch][0],
        go=replace(V1, version=None),
    )


def test_what_is_well_formed_starts() -> None:
    assert answer(PLAIN) == (True, "")
    assert answer(loads(PLAIN, relocations=(6, 8), plt_relocations=(7,), notes=(100,))) == (True, "")


@pytest.mark.parametrize("note", [0, (4 << 20) + 1])
def test_an_odd_note_is_a_caution(note: int) -> None:
    starts, reason = answer(loads(replace(STATIC, go=V1), notes=(100, note)), "oracle9")

    assert starts is True
    assert reason == f"a PT_NOTE of {note:,} bytes: Oracle's kernel (UEK) refuses such a program"


def test_what_crashes_on_every_system_crashes_here() -> None:
    image = replace(PLAIN, elf=Elf(crashes=("the entry point 0x10 lies in no executable PT_LOAD", "DT_JMPREL has odd")))

    assert answer(image) == (False, "the entry point 0x10 lies in no executable PT_LOAD")


def test_what_the_loader_relocates_must_be_writable() -> None:
    lent = replace(PLAIN, hardening=replace(PLAIN.hardening, textrel=True))
    lent_musl = replace(MUSL, hardening=replace(PLAIN.hardening, textrel=True))
    assert answer(loads(PLAIN, read_only_relocation=0x1000)) == (
        False,
        "the loader relocates 0x1000, which is in no writable segment: it crashes",
    )
    assert answer(loads(lent, read_only_relocation=0x1000))[0] is True
    assert answer(loads(lent_musl, read_only_relocation=0x1000), "alpine3.20")[0] is False
    library = replace(lent_musl, kind="shared-library", interpreter=None)
    assert answer(loads(library, read_only_relocation=0x1000), "alpine3.20")[0] is True


def test_only_bionic_reads_its_own_tables() -> None:
    relr, rela = ("DT_ANDROID_RELR",), ("DT_ANDROID_RELA",)

    assert answer(loads(PLAIN, android_packed=rela)) == (
        False,
        "has DT_ANDROID_RELA: glibc's loader does not relocate by it",
    )
    assert answer(loads(MUSL, android_packed=relr), "alpine3.20")[0] is False
    assert answer(loads(ANDROID, android_packed=relr), "android27") == (
        False,
        "has DT_ANDROID_RELR: Android before API level 28 does not relocate by it",
    )
    assert "ANDROID_RELR" not in answer(loads(ANDROID, android_packed=relr), "android28")[1]
    assert "ANDROID_RELA" not in answer(loads(ANDROID, android_packed=rela), "android24")[1]


def test_glibc_takes_a_program_for_the_library_that_it_calls_itself() -> None:
    named = replace(PLAIN, soname="libc.so.6")
    reason = "has the DT_SONAME libc.so.6, a library that it needs: the loader takes the program for it"

    assert answer(replace(named, imports=DYNAMIC.imports)) == (False, reason)
    assert answer(named) == (None, reason)
    assert answer(replace(named, kind="shared-library", interpreter=None))[0] is True


def test_a_static_pie_of_glibc_with_a_path_ends_at_once() -> None:
    image = replace(STATIC, go=V1, linkage="static-pie", runpath=("/opt/lib",))

    assert answer(loads(image, refuses_path=True)) == (
        False,
        "has DT_RUNPATH or DT_RPATH: glibc ends a static PIE that has one",
    )
    assert answer(loads(image))[0] is True


def test_glibc_trusts_the_count_of_relative_relocations() -> None:
    reason = "DT_RELACOUNT counts relocations that are not relative, which glibc's loader takes for such"

    assert answer(loads(PLAIN, counts_others=True)) == (False, reason)
    assert answer(loads(MUSL, counts_others=True), "alpine3.20")[0] is True


def test_a_slot_that_is_read_only_by_the_first_call_may_crash_with_glibc() -> None:
    starts, reason = answer(loads(PLAIN, protected_slot=0x3000))

    assert starts is None
    assert reason.startswith("a function is bound at its first call, to the slot 0x3000, which PT_GNU_RELRO makes ")
    assert answer(loads(MUSL, protected_slot=0x3000), "alpine3.20")[0] is True


def test_a_program_with_fixed_addresses_needs_them() -> None:
    assert answer(loads(PLAIN, lowest_address=0)) == (
        False,
        "its first segment is at the fixed address 0x0, where Linux maps nothing",
    )
    assert answer(loads(replace(STATIC, go=V1), lowest_address=0x400000))[0] is True


def test_the_loader_must_learn_where_a_program_lies() -> None:
    reason = "there is no PT_PHDR before the other segments, by which the loader learns where the program lies"

    assert answer(loads(PLAIN, told_its_place=False)) == (False, reason)
    assert answer(loads(replace(PLAIN, interpreter=None, kind="shared-library"), told_its_place=False))[0] is True


def test_a_section_that_no_segment_maps_leaves_it_open() -> None:
    assert answer(loads(PLAIN, misplaced=".rodata is in no segment")) == (None, "the section .rodata is in no segment")


@pytest.mark.parametrize(
    ("alignment", "platform", "starts"),
    [
        (0x1008, "debian12", None),
        (1 << 20, "debian12", None),
        (64, "debian12", True),
        (0, "debian12", None),
        (0, "alpine3.20", None),
    ],
)
def test_an_odd_alignment_of_thread_local_data_leaves_it_open(
    alignment: int, platform: str, starts: bool | None
) -> None:
    image = replace(MUSL if platform == "alpine3.20" else PLAIN, elf=Elf(tls_alignment=alignment))

    found = answer(image, platform)
    assert found[0] is starts
    if starts is None:
        assert found[1] == f"PT_TLS is aligned to {alignment:,} bytes: it may not get that"


def test_without_the_default_folders_a_library_of_the_system_is_not_found() -> None:
    reason = "has DF_1_NODEFLIB: the loader looks for its libraries in DT_RUNPATH and DT_RPATH only"

    assert answer(loads(PLAIN, no_default_path=True)) == (False, reason)
    assert answer(loads(replace(PLAIN, runpath=("/opt/lib",)), no_default_path=True)) == (None, reason)
    assert answer(loads(MUSL, no_default_path=True), "alpine3.20") == (True, "")


@pytest.mark.parametrize(
    ("loading", "words"),
    [
        ({"plt_relocations": (0, 7)}, "0 in DT_JMPREL"),
        ({"relocations": (3, 6)}, "3"),
        ({"relocations": (3,), "now": True}, "3"),
    ],
)
def test_a_relocation_that_glibc_does_not_know_is_refused(loading: dict[str, object], words: str) -> None:
    assert answer(loads(PLAIN, **loading)) == (
        False,
        f"has relocations of type {words}, which glibc's loader refuses",
    )


def test_where_all_is_bound_at_the_start_the_tables_are_alike() -> None:
    assert answer(loads(PLAIN, plt_relocations=(0, 7), now=True)) == (True, "")
    # ppc64le's loader looks at the types of neither.
    assert answer(loads(for_("ppc64le"), plt_relocations=(0,), relocations=(200,)))[0] is True


def test_musl_and_bionic_know_other_relocations() -> None:
    assert answer(loads(MUSL, plt_relocations=(0, 7)), "alpine3.20") == (True, "")
    assert answer(loads(MUSL, relocations=(37,)), "alpine3.20")[1] == (
        "has relocations of type 37, which musl's loader refuses"
    )
    assert answer(loads(ANDROID, relocations=(1024,)), "android30")[1] == (
        "has relocations of type 1024 (copy), which bionic's loader refuses"
    )


MARKED = (VersionNeed(library="libc.so.6", version="GLIBC_ABI_DT_RELR"),)
NEEDS = (VersionNeed(library="libc.so.6", version="GLIBC_2.4"),)


@pytest.mark.parametrize(
    ("facts", "platform", "starts"),
    [
        (PLAIN, "debian11", False),
        (replace(PLAIN, version_needs=NEEDS), "debian12", False),
        (replace(PLAIN, version_needs=MARKED), "debian12", True),
        (replace(PLAIN, version_needs=MARKED), "debian11", False),
        # Nothing of a version is needed: then the loader does not look.
        (PLAIN, "debian12", True),
        (replace(PLAIN, version_needs=NEEDS, needed=needed("libm.so.6")), "debian12", True),
        (MUSL, "alpine3.17", False),
        (MUSL, "alpine3.18", True),
    ],
)
def test_packed_relocations_need_a_loader_that_knows_them(facts: BinaryFacts, platform: str, starts: bool) -> None:
    assert answer(replace(facts, elf=Elf(relr=True)), platform)[0] is starts


def test_android_refuses_text_relocations_and_old_ones_packed_relocations() -> None:
    assert answer(replace(ANDROID, hardening=replace(ANDROID.hardening, textrel=True)), "android30")[1] == (
        "has text relocations (DT_TEXTREL), which Android's loader refuses"
    )
    assert answer(replace(ANDROID, elf=Elf(relr=True)), "android29")[1] == (
        "has DT_RELR: Android before API level 30 does not relocate by it"
    )
    assert answer(replace(ANDROID, elf=Elf(relr=True)), "android30")[0] is True


@pytest.mark.parametrize(
    ("goarch", "alignment", "platform", "starts"),
    [
        ("arm64", 8, "android29", False),
        ("arm64", 32, "android29", False),
        ("arm64", 64, "android29", True),
        ("arm64", 8, "android28", True),
        ("arm", 8, "android30", False),
        ("arm", 32, "android30", True),
        ("amd64", 8, "android30", True),
    ],
)
def test_android_keeps_eight_words_beside_the_thread_pointer(
    goarch: str, alignment: int, platform: str, starts: bool
) -> None:
    loader = "/system/bin/linker" if goarch == "arm" else "/system/bin/linker64"
    image = replace(ANDROID, target=target(f"android/{goarch}"), interpreter=loader)

    assert answer(replace(image, elf=Elf(tls_alignment=alignment)), platform)[0] is starts


def test_go_as_a_library_does_not_start_on_musl() -> None:
    crashes = "Go's runtime starts as a constructor, to which musl gives no arguments: it crashes (golang/go#13492)"
    library = replace(MUSL, kind="shared-library", interpreter=None)

    assert answer(loads(MUSL, go_constructor=True), "alpine3.20") == (False, crashes)
    assert answer(loads(library, go_constructor=True, static_tls=True), "alpine3.20") == (
        False,
        f"{crashes}; musl's dlopen refuses a library with initial-exec TLS, as Go's is (golang/go#54805)",
    )
    assert answer(loads(PLAIN, go_constructor=True)) == (True, "")
    static = replace(STATIC, go=V1, libc=Libc(kind="musl", presence="embedded"))
    assert answer(loads(static, go_constructor=True), "scratch") == (False, crashes)


def test_an_auxiliary_library_may_be_missing_and_musl_takes_no_notice() -> None:
    shared = replace(PLAIN, kind="shared-library", interpreter=None)
    image = replace(shared, needed=(*needed("libc.so.6"), *needed("libaux.so.1", via="DT_AUXILIARY")))
    assert answer(image) == (True, "libaux.so.1 (DT_AUXILIARY) is not in the base system")
    filtered = replace(PLAIN, needed=(*needed("libc.so.6"), *needed("libfilter.so.1", via="DT_FILTER")))
    assert answer(filtered) == (False, "libfilter.so.1 is not in the base system")
    there = replace(PLAIN, needed=(*needed("libc.so.6"), *needed("libm.so.6", via="DT_FILTER")))
    crashes = "libm.so.6 (DT_FILTER): glibc's loader may crash on a program with a filter"
    assert answer(there) == (None, crashes)
    library = replace(there, kind="shared-library", interpreter=None)
    assert answer(library) == (True, "")
    musl = replace(MUSL, needed=(*MUSL.needed, *needed("libaux.so.1", via="DT_FILTER")))
    assert answer(musl, "alpine3.20") == (True, "")


def test_a_symbol_that_no_relocation_names_is_not_looked_for() -> None:
    image = replace(PLAIN, imports=symbols("nowhere"))

    assert answer(image) == (True, "")
    assert answer(loads(image, bound=("nowhere",))) == (False, "calls nowhere, which no library there has")
    assert answer(loads(image, lazy=("nowhere",))) == (
        True,
        "calls nowhere, which no library there has: the first call fails",
    )
    assert answer(loads(image, lazy=("nowhere",), now=True))[0] is False
    assert answer(loads(replace(MUSL, imports=symbols("nowhere")), lazy=("nowhere",)), "alpine3.20")[0] is False
    # MIPS: which are bound at the start is not known.
    assert answer(loads(image, bound=None, lazy=None))[0] is True


def test_symbols_of_other_libraries_are_known_where_their_files_were_read() -> None:
    image = replace(
        PLAIN, imports=symbols("ZSTD_defaultCLevel", "ZSTD_compress"), needed=needed("libzstd.so.1", "libc.so.6")
    )
    image = loads(image, bound=("ZSTD_defaultCLevel", "ZSTD_compress"))

    assert answer(image, "debian11") == (False, "calls ZSTD_defaultCLevel, which no library there has")
    assert answer(image, "debian12") == (True, "")
    assert answer(image, "fedora42") == (
        True,
        "calls ZSTD_defaultCLevel, ZSTD_compress: whether libzstd.so.1 of fedora42 has them is not known here",
    )
    own = parse_platform("own", {"extends": "debian11", "without": ["libzstd.so.1"]})
    assert start_on(subject(image), own).answer.reason == "libzstd.so.1 is not in the base system"


def test_a_newer_function_of_glibc_without_its_version_is_missing() -> None:
    image = replace(PLAIN, imports=(ImportedSymbol(name="getrandom"), ImportedSymbol(name="strlcpy")))

    assert answer(loads(image, bound=("strlcpy",)), "debian12") == (
        False,
        "calls strlcpy, which glibc 2.36 does not have",
    )
    assert answer(loads(image, lazy=("strlcpy",)), "debian12") == (
        True,
        "calls strlcpy, which glibc 2.36 does not have: the first call fails",
    )
    assert answer(loads(image, bound=("strlcpy",)), "debian13") == (True, "")
