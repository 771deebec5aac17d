"""Every fact of the fact sheet is in the lock, or docs/lock.md says why not; and what is written is read back."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from pytest_golink import facts
from pytest_golink.lock import Tolerance, compare, lock_entry, lock_text, parse_lock
from pytest_golink.report.facts_json import FactsJson

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "lock.md"
EXACT = Tolerance()

# No fact of it is null, whatever the format. What asks a name service is in the lock, so this asks none.
FULL: Any = {
    "schema": 1,
    "path": "build/app",
    "size": 1_500_000,
    "format": "elf",
    "kind": "shared-library",
    "target": "linux/amd64",
    "linkage": "dynamic",
    "needs_loader_only": False,
    "interpreter": "/lib64/ld-linux-x86-64.so.2",
    "needed": [{"name": "libc.so.6", "via": "DT_NEEDED"}],
    "rpath": ["/opt"],
    "runpath": ["$ORIGIN"],
    "imports": [{"name": "malloc", "library": "libc.so.6", "version": "GLIBC_2.2.5"}],
    "version_needs": [{"library": "libc.so.6", "version": "GLIBC_PRIVATE", "weak": False}],
    "libc": {"kind": "glibc", "presence": "dynamic", "floor": "2.34", "floor_symbols": ["dlopen"]},
    "cgo": {
        "enabled": True,
        "used": True,
        "packages": ["net"],
        "from_source": ["example.com/c"],
        "source_error": "no network",
        "calls": {"net": ["malloc"]},
        "dynamic_imports": [{"name": "puts", "library": "libc.so.6", "version": "GLIBC_2.2.5"}],
        "witnesses": ["x_cgo_init"],
    },
    "link_mode": "internal",
    "resolver": ["cgo"],
    "static_name_service": ["getaddrinfo"],
    "symtab": True,
    "dwarf": True,
    "stripped": False,
    "hardening": {"pie": True, "nx": True, "relro": "full", "writable_code": False, "textrel": False},
    "os_minimum": "11.0",
    "signed": "ad-hoc",
    "go": {
        "version": "go1.27.3",
        "path": "example.com/app",
        "module": {
            "path": "example.com/app",
            "version": "v1.0.0",
            "sum": "h1:a",
            "replace": {"path": "b", "version": "c"},
        },
        "modules": [{"path": "example.com/a", "version": "v1.0.0"}],
        "settings": {"CGO_ENABLED": "1", "-ldflags": "-X main.version=1", "DefaultGODEBUG": "panicnil=1,tls10server=1"},
    },
    "content": {
        "pclntab": "1.20",
        "startup": "linux",
        "user_lookup": ["files"],
        "instrumentation": ["race"],
        "crypto": [{"kind": "go", "version": "v1.0.0"}],
        "importers": ["example.com/x"],
        "build_paths": [{"path": "/home/me", "where": "DWARF"}],
        "packed": "UPX",
        "damage": "garbled",
    },
    "cpu": [{"setting": "GOAMD64", "level": "v3", "via": "build setting"}],
    "program_headers": [
        {"type": "PT_LOAD", "flags": "r-x", "offset": 0, "address": 4096, "memory_size": 4096, "alignment": 4096},
    ],
    "macho": {
        "platform": "macos",
        "sdk": "26.0",
        "uuid": "00112233",
        "code_flags": 0x10000,
        "entitlements": ["com.apple.security.get-task-allow"],
        "restricted": False,
        "environment": ["DYLD_LIBRARY_PATH=/opt"],
        "hardened_runtime": True,
    },
    "symtab_size": 5,
    "dwarf_size": 6,
    "soname": "libapp.so",
    "exports": ["Add"],
    "signature": {"kind": "ad-hoc", "valid": True, "problem": "page 3"},
    "elf": {
        "relr": False,
        "static_tls": False,
        "tls_alignment": 8,
        "kernel_minimum": "3.2.0",
        "dlopen": [{"sonames": ["libz.so.1"], "priority": "required", "feature": "zip", "description": "zip files"}],
        "crashes": ["no entry"],
    },
    "pe": {"subsystem": "console", "control_flow_guard": True, "high_entropy_va": True},
    "slice": "amd64",
}

# Where a fact stands: keys, and places in lists.
Place = tuple[str | int, ...]


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where each fact stands that is no table and no list."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*place, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*place, number))
    else:
        yield place


def name_of(place: Place) -> str:
    """A fact as docs/lock.md writes it: "needed[].via"."""
    return "".join("[]" if isinstance(part, int) else f".{part}" for part in place).removeprefix(".")


def names(hint: Any, name: str = "") -> Iterator[str]:
    """All facts that the type of the fact sheet has."""
    arguments = [each for each in get_args(hint) if each is not type(None)]
    if name.endswith(".replace"):
        # A module in a module.
        yield name
    elif is_typeddict(hint):
        for key, each in get_type_hints(hint, localns=vars(facts)).items():
            yield from names(each, f"{name}.{key}".removeprefix("."))
    elif get_origin(hint) is list:
        yield from names(arguments[0], f"{name}[]")
    elif type(None) in get_args(hint):
        yield from names(Union[tuple(arguments)], name)  # noqa: UP007 - of a list
    else:
        yield name


def with_(place: Place, value: object) -> FactsJson:
    """The full sheet with another value in one place."""
    sheet = deepcopy(FULL)
    holder = sheet
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = value
    return sheet  # type: ignore[no-any-return]  # the sheet is written out above


def value_at(place: Place) -> Any:
    value = FULL
    for part in place:
        value = value[part]
    return value


def another(value: object) -> object:
    """A value of the same type that is another one, beyond any rounding."""
    if isinstance(value, bool):
        return not value
    return value * 2 + 1 if isinstance(value, int) else f"{value}x"


def excluded() -> set[str]:
    """The facts of which the page says why they are not in the lock."""
    table = PAGE.read_text(encoding="utf-8").partition("| fact | why not |")[2].partition("\n\n")[0]
    return {name for row in table.splitlines() for name in re.findall(r"`([^`]+)`", row.partition(" | ")[0])}


def explained(name: str) -> str | None:
    """The entry of the page that covers a fact."""
    return next((each for each in excluded() if name == each or name.startswith((f"{each}.", f"{each}["))), None)


ALL = sorted(places(FULL), key=str)
ENTRY = lock_entry("app", FULL)


def fails(sheet: FactsJson) -> bool:
    """Whether the image is another than the lock says, either way round."""
    other = lock_entry("app", sheet)
    return compare(ENTRY, other, EXACT).fails or compare(other, ENTRY, EXACT).fails


def test_the_sheet_above_has_every_fact() -> None:
    # The tables that are open have any names.
    seen = {re.sub(r"^(go\.settings|cgo\.calls|go\.module\.replace)\..*", r"\1", name_of(each)) for each in ALL}

    assert set(names(FactsJson)) - {"go.modules[].sum", "go.modules[].replace"} == seen


@pytest.mark.parametrize("place", ALL, ids=name_of)
def test_a_change_of_a_fact_violates_the_lock_or_the_page_says_why_not(place: Place) -> None:
    noticed = fails(with_(place, another(value_at(place))))

    # Of the settings the page names the one that counts.
    assert noticed != (explained(name_of(place)) is not None and name_of(place) != "go.settings.DefaultGODEBUG")


def test_the_page_explains_no_fact_that_there_is_not() -> None:
    assert excluded() == {explained(name_of(place)) for place in ALL} - {None}


@pytest.mark.parametrize(
    "place",
    # An import is in the lock by its version, of which another need may be the highest.
    [each for each in ALL if each[0] != "imports" and not explained(name_of(each)) and type(value_at(each)) is str],
    ids=name_of,
)
def test_a_fact_that_is_gone_or_came_violates_the_lock(place: Place) -> None:
    # Of many, the whole entry of the list.
    cut = next((number for number, part in enumerate(place) if isinstance(part, int)), None)
    sheet = with_(place, None) if cut is None else with_(place[:cut], [])

    assert fails(sheet)


def test_a_mark_that_is_lost_violates_the_lock() -> None:
    assert fails(with_(("macho", "uuid"), None))
    assert fails(with_(("elf", "dlopen"), None))
    assert fails(with_(("exports",), [f"f{number}" for number in range(200)]))


def test_many_exported_names_are_one_line_with_their_digest() -> None:
    many = [f"f{number}" for number in range(200)]

    one, same, other = (
        [
            (key, value)
            for key, value in lock_entry("app", with_(("exports",), each)).facts
            if key[0].startswith("export")
        ]
        for each in (many, [*reversed(many)], [*many[1:], "g"])
    )

    assert [key for key, _ in one] == [("exports", "")]
    assert str(one[0][1]).startswith("200 names, sha256:")
    assert one == same != other


def test_what_cgo_exports_and_what_a_program_exports_is_no_line() -> None:
    sheet = with_(("exports",), ["_cgo_0123456789ab_Cfunc_f", "crosscall2", "x_cgo_init"])

    assert not [key for key, _ in lock_entry("app", sheet).facts if key[0].startswith("export")]
    assert not [key for key, _ in lock_entry("app", with_(("kind",), "executable")).facts if key[0] == "export"]


def test_an_address_in_a_reason_does_not_count() -> None:
    place: Place = ("elf", "crashes", 0)

    assert lock_entry("app", with_(place, "at 0x1f00")) == lock_entry("app", with_(place, "at 0x2000"))


def test_what_an_older_report_does_not_tell_is_not_compared() -> None:
    older = deepcopy(FULL)
    for key in ("soname", "exports", "signature", "elf", "pe", "version_needs"):
        del older[key]
    for table, key in (("hardening", "textrel"), ("cgo", "witnesses"), ("content", "damage")):
        del older[table][key]
    for key in ("environment", "hardened_runtime"):
        del older["macho"][key]

    for one, other in ((older, FULL), (FULL, older)):
        assert compare(lock_entry("app", one), lock_entry("app", other), EXACT).differences == ()


ODD = {
    "empty": "",
    "blank": " ",
    "quote": 'a"b',
    "backslash": "a\\",
    "control": "\x00\x1b[2J\x7f\n\r\t",
    "no UTF-8": "lib\udcff.so",
    "bidi": "a\u202eb\u2028",
    "commands": "::error:: ##[x] ##vso[y]",
    "TOML": "[image] = # ' true",
    "long": "a" * 9000,
    "long escapes": "\x01" * 4096,
    "wide": "é\u3000漢\U000e0001",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_an_odd_value_of_every_fact_is_read_as_it_was_written(text: str) -> None:
    for place in ALL:
        if isinstance(value_at(place), str):
            written = lock_entry(text or "app", with_(place, text))
            read = parse_lock(lock_text([written]), name="golink.lock").entries[0]

            assert (read.image, read.facts) == (written.image, written.facts), name_of(place)
            assert not compare(read, written, EXACT).differences


def test_two_long_names_that_differ_in_the_middle_are_two() -> None:
    one, other = ("a" * 4500 + middle + "b" * 4500 for middle in "xy")

    assert lock_entry("app", with_(("soname",), one)) != lock_entry("app", with_(("soname",), other))
