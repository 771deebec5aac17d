"""How an image differs from the lock, and what of it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import Cgo, Content, CryptoModule, Elf, Hardening, Libc, MachO, SignatureContent
from pytest_golink.lock import LockEntry, Tolerance, compare
from pytest_golink.lock.drift_text import diff_lines
from tests.lock.entry_factory import entry
from tests.rules import facts_factory as made

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

    # An image, what is another in it, and the lines of the diff.
    Case = tuple[BinaryFacts, dict[str, Any], list[str]]

FIVE_PERCENT = Tolerance(share=0.05)


def drift_of(old: LockEntry, new: LockEntry, tolerance: Tolerance = FIVE_PERCENT) -> tuple[set[str], list[str]]:
    """The ways in which facts differ, and the lines of the diff."""
    drift = compare(old, new, tolerance)
    assert drift.fails == any(difference.change != "better" for difference in drift.differences)
    return {difference.change for difference in drift.differences}, diff_lines(drift.differences, width=0)


def libc(**changes: Any) -> dict[str, Any]:
    return {"libc": replace(made.DYNAMIC.libc, **changes)}


def hardening(**changes: Any) -> dict[str, Any]:
    return {"hardening": replace(made.STATIC.hardening, **changes)}


def content(**changes: Any) -> dict[str, Any]:
    return {"content": Content(**changes)}


WORSE: list[Case] = [
    (
        made.DYNAMIC,
        {"needed": made.needed("libc.so.6", "libm.so.6")},
        ['+ needed."libm.so.6" = "DT_NEEDED"   # needs one more library'],
    ),
    (
        made.DYNAMIC,
        {"imports": (*made.DYNAMIC.imports, *made.symbols("getpwnam_r", library="libc.so.6"))},
        ['+ import."getpwnam_r" = "libc.so.6"   # asks libc for names or libraries'],
    ),
    (
        made.DYNAMIC,
        libc(floor="2.38", floor_symbols=("fmod", "strlcpy")),
        ['- libc-floor = "2.34"', '+ libc-floor = "2.38"   # needs a newer glibc: fmod, strlcpy'],
    ),
    (
        made.DYNAMIC,
        {"imports": (*made.DYNAMIC.imports, *made.symbols("a", library="libssl.so.3", version="OPENSSL_3.0.0"))},
        ['+ version-need."libssl.so.3 OPENSSL" = "3.0.0"   # needs a newer library'],
    ),
    (
        made.DYNAMIC,
        {"cgo": Cgo(enabled=True, used=True, packages=("main", "net", "runtime/cgo"))},
        ['+ cgo-package."main" = true   # one more package with cgo'],
    ),
    (made.STATIC, {"cgo": Cgo(used=True)}, ["- cgo = false", "+ cgo = true   # cgo came in"]),
    (
        made.STATIC,
        {"cgo": Cgo(used=False, dynamic_imports=made.symbols("puts", library="libc.so.6"))},
        ['+ import-without-cgo."puts" = "libc.so.6"   # imported without cgo'],
    ),
    (
        made.STATIC,
        content(importers=("example.com/x",)),
        ['+ importer-without-cgo."example.com/x" = true   # calls libraries without cgo'],
    ),
    (made.STATIC, {"interpreter": "/lib/ld"}, ['+ interpreter = "/lib/ld"   # does not start without this loader']),
    (made.STATIC, {"linkage": "dynamic"}, ['- linkage = "static"', '+ linkage = "dynamic"   # not static any more']),
    (made.STATIC, {"rpath": ("/opt",)}, ['+ rpath."/opt" = 1   # one more place to load libraries from']),
    (made.STATIC, {"runpath": ("/opt",)}, ['+ runpath."/opt" = 1   # one more place to load libraries from']),
    (
        made.STATIC,
        {"static_name_service": ("getaddrinfo",)},
        ['+ static-name-service."getaddrinfo" = true   # loads glibc\'s own libraries at run time'],
    ),
    (
        made.STATIC,
        content(instrumentation=("race",)),
        ['+ instrumentation."race" = true   # built with instrumentation'],
    ),
    (made.STATIC, hardening(nx=False), ["- nx = true", "+ nx = false   # lost hardening"]),
    (
        made.STATIC,
        hardening(writable_code=True),
        ["- writable-code = false", "+ writable-code = true   # lost hardening"],
    ),
    (made.MACHO, {"signed": "none"}, ['- signed = "ad-hoc"', '+ signed = "none"   # lost its signature']),
    (made.MACHO, {"os_minimum": "13.1"}, ['- os-minimum = "13.0"', '+ os-minimum = "13.1"   # needs a newer OS']),
    (made.STATIC, {"os_minimum": "13.1"}, ['+ os-minimum = "13.1"   # needs a newer OS']),
    (made.STATIC, {"size": 1_590_000}, ['- size = "1.50 MB"', '+ size = "1.59 MB"   # grew by 6%']),
]

BETTER: list[Case] = [
    (made.OWN_C, {"needed": made.needed("libc.so.6")}, ['- needed."libm.so.6" = "DT_NEEDED"   # needs it no more']),
    (
        made.DYNAMIC,
        libc(floor="2.4", floor_symbols=("x",)),
        ['- libc-floor = "2.34"', '+ libc-floor = "2.4"   # runs with an older glibc too'],
    ),
    (made.DYNAMIC, libc(floor=None), ['- libc-floor = "2.34"   # needs no glibc version any more']),
    (made.DYNAMIC, {"imports": ()}, ['- import."getaddrinfo" = "libc.so.6"   # does not ask any more']),
    (
        made.DYNAMIC,
        {"cgo": Cgo(used=True, packages=("runtime/cgo",))},
        ['- cgo-package."net" = true   # does without cgo now'],
    ),
    (made.PIE, {"interpreter": None}, [f'- interpreter = "{made.LOADER}"   # needs no loader any more']),
    (
        made.PIE,
        {"linkage": "static-pie"},
        ['- linkage = "dynamic"', '+ linkage = "static-pie"   # static now'],
    ),
    (made.STATIC, hardening(pie=True), ["- pie = false", "+ pie = true   # hardened"]),
    (made.STATIC, hardening(relro="full"), ['- relro = "none"', '+ relro = "full"   # hardened']),
    (made.MACHO, {"signed": "signed"}, ['- signed = "ad-hoc"', '+ signed = "signed"   # signed']),
    (made.MACHO, {"os_minimum": "12"}, ['- os-minimum = "13.0"', '+ os-minimum = "12"   # runs on older ones too']),
    (
        made.MACHO,
        {"resolver": ("none",)},
        ['- resolver = "go, system"', '+ resolver = "none"   # looks up no host names any more'],
    ),
    (made.STATIC, {"size": 1_000_000}, ['- size = "1.50 MB"', '+ size = "1.00 MB"   # shrank by 33%']),
]

CHANGED: list[Case] = [
    (
        made.DYNAMIC,
        {"resolver": ("go",)},
        ['- resolver = "cgo, go"', '+ resolver = "go"   # looks host names up in another way'],
    ),
    (made.STATIC, {"resolver": ("go",)}, ['- resolver = "none"', '+ resolver = "go"   # looks host names up now']),
    (
        made.DYNAMIC,
        {"interpreter": "/lib/ld"},
        [f'- interpreter = "{made.LOADER}"', '+ interpreter = "/lib/ld"   # another loader'],
    ),
    (
        made.DYNAMIC,
        {"needed": made.needed("libc.so.6", via="DT_AUXILIARY")},
        ['- needed."libc.so.6" = "DT_NEEDED"', '+ needed."libc.so.6" = "DT_AUXILIARY"   # in another way'],
    ),
    (
        made.DYNAMIC,
        {"link_mode": "external"},
        ['- link-mode = "internal"', '+ link-mode = "external"   # linked in another way'],
    ),
    (made.DYNAMIC, {"link_mode": None}, ['- link-mode = "internal"   # linked in another way']),
    (made.DYNAMIC, libc(kind="musl"), ['- libc = "glibc"', '+ libc = "musl"   # another libc']),
    (
        made.DYNAMIC,
        libc(presence="embedded"),
        ['- libc-presence = "dynamic"', '+ libc-presence = "embedded"   # was dynamic'],
    ),
    (made.STATIC, {"symtab": False}, ["- symbol-table = true", "+ symbol-table = false   # stripped in another way"]),
    (made.STATIC, {"dwarf": None}, ["- dwarf = true   # stripped in another way"]),
    (made.STATIC, hardening(nx=None), ["- nx = true   # the image does not say any more"]),
    (made.ARCHIVE, {"hardening": Hardening(pie=True)}, ["+ pie = true   # the image did not say before"]),
    (made.MACHO, {"os_minimum": None}, ['- os-minimum = "13.0"   # the image does not say any more']),
    (made.MACHO, {"os_minimum": "x"}, ['- os-minimum = "13.0"', '+ os-minimum = "x"   # another version']),
    (made.STATIC, {"linkage": None}, ['- linkage = "static"   # the image does not say any more']),
    (
        made.STATIC,
        content(crypto=(CryptoModule(kind="boringcrypto"),)),
        ['+ crypto."boringcrypto" = true   # cryptography came in'],
    ),
    (made.STATIC, content(packed="UPX"), ['+ packed = "UPX"   # packed in another way']),
    (made.STATIC, {"format": "pe"}, ['- format = "elf"', '+ format = "pe"   # another format']),
    (
        made.STATIC,
        {"kind": "shared-library"},
        ['- kind = "executable"', '+ kind = "shared-library"   # another kind of file'],
    ),
]


@pytest.mark.parametrize(("facts", "changes", "lines"), WORSE)
def test_what_got_worse_fails(facts: BinaryFacts, changes: dict[str, Any], lines: list[str]) -> None:
    assert drift_of(entry(facts), entry(facts, **changes)) == ({"worse"}, lines)


@pytest.mark.parametrize(("facts", "changes", "lines"), BETTER)
def test_what_only_got_better_does_not_fail(facts: BinaryFacts, changes: dict[str, Any], lines: list[str]) -> None:
    assert drift_of(entry(facts), entry(facts, **changes)) == ({"better"}, lines)


@pytest.mark.parametrize(("facts", "changes", "lines"), CHANGED)
def test_what_is_only_another_fails(facts: BinaryFacts, changes: dict[str, Any], lines: list[str]) -> None:
    assert drift_of(entry(facts), entry(facts, **changes)) == ({"changed"}, lines)


@pytest.mark.parametrize(
    ("old", "new", "way", "reason"),
    [
        ({"crypto": (CryptoModule(kind="openssl"),)}, {"crypto": ()}, "worse", "this cryptography is gone"),
        (
            {"crypto": (CryptoModule(kind="go", version="v1"),)},
            {"crypto": (CryptoModule(kind="go", version="v2"),)},
            "changed",
            "another version",
        ),
        ({"user_lookup": ("files",)}, {"user_lookup": ("system",)}, "changed", "looks users up in another way"),
        ({"user_lookup": ("files",)}, {"user_lookup": ("none",)}, "better", "looks up no users any more"),
        ({"instrumentation": ("cover",)}, {}, "better", "without it again"),
    ],
)
def test_content_has_a_reason_each_way(old: dict[str, Any], new: dict[str, Any], way: str, reason: str) -> None:
    drift = compare(
        entry(made.STATIC, content=Content(**old)), entry(made.STATIC, content=Content(**new)), FIVE_PERCENT
    )

    assert [(difference.change, difference.reason) for difference in drift.differences] == [(way, reason)]


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [("v1", "v3", "worse"), ("v3", "v2", "better"), ("v1", "odd", "changed")],
)
def test_a_cpu_level_is_compared_by_what_it_needs(old: str, new: str, way: str) -> None:
    before, after = entry(made.STATIC, go=made.go(GOAMD64=old)), entry(made.STATIC, go=made.go(GOAMD64=new))

    assert drift_of(before, after)[0] == {way}


GO = SignatureContent(kind="ad-hoc", valid=True)
APPLE = SignatureContent(kind="developer-id", valid=True)


@pytest.mark.parametrize(
    ("old", "new", "ways"),
    [
        ({"signature": None}, {"signature": APPLE}, {"better"}),
        ({"signature": APPLE}, {"signature": None}, {"worse", "changed"}),
        ({"signature": GO}, {"signature": APPLE}, {"better"}),
        ({"signature": APPLE}, {"signature": GO}, {"worse"}),
        ({"signature": GO}, {"signature": replace(GO, valid=False)}, {"worse"}),
        ({"signature": replace(GO, valid=False)}, {"signature": GO}, {"better"}),
        ({"signature": GO}, {"signature": replace(GO, valid=None)}, {"changed"}),
        ({}, {"macho": MachO(code_flags=2)}, {"better"}),
        ({"macho": MachO(code_flags=2)}, {"macho": MachO(code_flags=0x20002)}, {"changed"}),
        ({"macho": MachO(hardened_runtime=True)}, {"macho": MachO(hardened_runtime=False)}, {"worse"}),
        ({"macho": MachO(hardened_runtime=False)}, {"macho": MachO(hardened_runtime=True)}, {"better"}),
        ({"macho": MachO()}, {"macho": MachO(entitlements=("x",))}, {"changed"}),
        ({"macho": MachO(uuid="00")}, {"macho": MachO()}, {"worse"}),
        ({"macho": MachO()}, {"macho": MachO(environment=("DYLD_LIBRARY_PATH=/x",))}, {"worse"}),
        ({"elf": Elf(kernel_minimum="3.2.0")}, {"elf": Elf(kernel_minimum="4.4.0")}, {"worse"}),
        ({"elf": Elf(kernel_minimum="3.2.0")}, {"elf": Elf()}, {"better"}),
        ({"elf": Elf()}, {"elf": Elf(kernel_minimum="3.2.0")}, {"worse"}),
        ({"elf": Elf(tls_alignment=8)}, {"elf": Elf()}, {"better"}),
        ({"elf": Elf(tls_alignment=8)}, {"elf": Elf(tls_alignment=64)}, {"changed"}),
        ({"kind": "shared-library", "exports": ("a", "b")}, {"kind": "shared-library", "exports": ("a",)}, {"worse"}),
        ({"kind": "shared-library", "exports": ("a",)}, {"kind": "shared-library", "exports": ("a", "b")}, {"changed"}),
    ],
)
def test_a_fact_of_one_format_is_worse_one_way(old: dict[str, Any], new: dict[str, Any], ways: set[str]) -> None:
    assert drift_of(entry(made.STATIC, **old), entry(made.STATIC, **new))[0] == ways


def test_a_cpu_level_that_is_only_in_one_of_both_is_another() -> None:
    assert drift_of(entry(made.STATIC), entry(made.STATIC, go=made.go(GOAMD64="v1")))[0] == {"changed"}


def test_a_place_of_a_path_that_moves_is_another() -> None:
    ways, lines = drift_of(entry(made.STATIC, rpath=("/a", "/b")), entry(made.STATIC, rpath=("/b",)))

    assert ways == {"better", "changed"}
    assert lines == [
        '- rpath."/a" = 1   # one place less',
        '- rpath."/b" = 2',
        '+ rpath."/b" = 1   # searched in another order',
    ]


@pytest.mark.parametrize(
    ("tolerance", "size", "ways"),
    [
        (FIVE_PERCENT, 1_570_000, set()),
        (FIVE_PERCENT, 1_430_000, set()),
        (FIVE_PERCENT, 1_580_000, {"worse"}),
        (FIVE_PERCENT, 1_420_000, {"better"}),
        (Tolerance(count=200_000), 1_700_000, set()),
        (Tolerance(count=200_000), 1_710_000, {"worse"}),
        # Rounding alone is never growth.
        (Tolerance(), 1_504_000, set()),
        (Tolerance(), 1_506_000, {"worse"}),
    ],
)
def test_a_size_may_move_within_the_tolerance(tolerance: Tolerance, size: int, ways: set[str]) -> None:
    assert drift_of(entry(made.STATIC), entry(made.STATIC, size=size), tolerance)[0] == ways


def test_a_lock_without_a_size_fails() -> None:
    seen = entry(made.STATIC)

    assert drift_of(replace(seen, facts=seen.facts[:-1]), seen) == (
        {"changed"},
        ['+ size = "1.50 MB"   # the lock does not say how large it was'],
    )


def test_an_image_that_the_lock_does_not_have_fails_with_all_that_it_is() -> None:
    seen = entry(made.STATIC)

    drift = compare(None, seen, FIVE_PERCENT)

    assert drift.fails
    assert len(drift.differences) == len(seen.facts)


def test_an_image_that_is_as_locked_has_no_differences() -> None:
    drift = compare(entry(made.DYNAMIC), entry(made.DYNAMIC), FIVE_PERCENT)

    assert (drift.differences, drift.fails, drift.better) == ((), False, ())


def test_true_is_not_one() -> None:
    old = LockEntry(image="a", facts=((("rpath", "/a"), True),))
    new = LockEntry(image="a", facts=((("rpath", "/a"), 1),))

    assert compare(old, new, FIVE_PERCENT).fails


def test_all_that_came_with_cgo_reads_as_one_diff() -> None:
    ways, lines = drift_of(
        entry(made.STATIC), entry(made.DYNAMIC, libc=Libc(kind="glibc", presence="dynamic", floor="2.34"))
    )

    assert ways == {"worse", "changed"}
    assert lines[:2] == ['- linkage = "static"', '+ linkage = "dynamic"   # not static any more']
    assert '+ libc = "glibc"   # a libc came in' in lines
    assert '+ libc-presence = "dynamic"   # loads a libc' in lines
