from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.facts import BuildInfo, Target
from pytest_golink.golang import read_go
from tests.golang.handmade import FUNCTION_SIZE, TEXT_START, Machine, framed, image, inline_blob, region

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import Format
    from pytest_golink.golang import GoImage
    from pytest_golink.golang.pclntab import Layout

LAYOUTS: tuple[Layout, ...] = ("1.2", "1.16", "1.18", "1.20")
NAMES = ("_rt0_amd64_linux", "main", "main.main")
TEXT = (TEXT_START, TEXT_START + len(NAMES) * FUNCTION_SIZE)
TABLE_AT = 0x500000
DATA_AT = 0x600000


def go_image(
    layout: Layout = "1.20",
    *,
    entry: int | None = TEXT_START,
    image_format: Format = "elf",
    machine: Machine | None = None,
    names: tuple[str, ...] = NAMES,
    blob: bytes | None = None,
    table: bytes | None = None,
    moduledata: bytes | None = None,
    named: bool = False,
    relocated: Mapping[int, int] | None = None,
    symbols: Mapping[str, int] | None = None,
) -> GoImage | None:
    machine = machine or Machine()
    read_only = region(
        machine.pclntab(names, layout) if table is None else table,
        TABLE_AT,
        name=".gopclntab" if named else "",
        writable=False,
    )
    if moduledata is None:
        moduledata = machine.moduledata(
            TABLE_AT, len(names), (TEXT_START, TEXT_START + len(names) * FUNCTION_SIZE), layout
        )
    data = region((inline_blob() if blob is None else blob).ljust(1024, b"\0") + moduledata, DATA_AT)
    return read_go(
        image(
            read_only,
            data,
            sections=[read_only, data] if named else [],
            machine=machine,
            image_format=image_format,
            entry=entry,
            relocated=relocated,
            symbols=symbols,
        )
    )


def go(layout: Layout = "1.20", **options: object) -> GoImage:
    made = go_image(layout, **options)  # type: ignore[arg-type]
    assert made is not None
    return made


@pytest.mark.parametrize("machine", [Machine(), Machine(byteorder="big", pointer_size=4)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_text_and_link_mode_come_from_the_moduledata_in_every_layout(layout: Layout, machine: Machine) -> None:
    assert go(layout, machine=machine).text == range(*TEXT)
    assert go(layout, machine=machine).link_mode == "internal"
    assert go(layout, machine=machine, entry=TEXT[1]).link_mode == "external"


def test_the_moduledata_of_a_position_independent_image_is_found_by_its_lengths_and_relocated() -> None:
    at = DATA_AT + 1024
    empty = Machine().moduledata(0, len(NAMES), (0, 0))

    made = go(moduledata=empty, relocated={at: TABLE_AT, at + 22 * 8: TEXT[0], at + 23 * 8: TEXT[1]})

    assert made.text == range(*TEXT)


def test_a_moduledata_that_points_elsewhere_is_that_of_another_image() -> None:
    other = Machine().moduledata(TABLE_AT + 8, len(NAMES), (1, 2))
    own = Machine().moduledata(TABLE_AT, len(NAMES), TEXT)

    assert go(moduledata=other + own).text == range(*TEXT)


@pytest.mark.parametrize("layout", ["1.2", "1.16"])
def test_without_a_moduledata_the_oldest_function_tables_have_the_addresses(layout: Layout) -> None:
    made = go(layout, moduledata=b"", named=True)

    assert made.text == range(*TEXT)
    assert made.link_mode == "internal"


def test_without_a_moduledata_the_header_up_to_1_25_has_the_start_of_the_text() -> None:
    assert go(moduledata=b"", named=True).text == range(*TEXT)


def test_without_a_moduledata_the_symbols_tell_from_1_26_on() -> None:
    table = Machine().pclntab(NAMES, text_start=0)

    symbols = {"runtime.text": TEXT[0], "runtime.etext": TEXT[1]}
    assert go(moduledata=b"", named=True, table=table, symbols=symbols).text == range(*TEXT)


def test_an_image_that_does_not_say_where_gos_code_is_has_no_link_mode() -> None:
    made = go(moduledata=b"", named=True, table=Machine().pclntab(NAMES, text_start=0))

    assert made.text is None
    assert made.link_mode is None


def test_a_text_that_ends_before_it_starts_is_none() -> None:
    assert go(moduledata=Machine().moduledata(TABLE_AT, len(NAMES), (TEXT[1], TEXT[0]))).text is None


def test_an_image_without_an_entry_point_is_a_library_and_linked_externally() -> None:
    assert go(entry=None).link_mode == "external"


@pytest.mark.parametrize("mode", ["c-shared", "c-archive", "plugin"])
def test_the_entry_point_of_a_library_means_nothing(mode: str) -> None:
    blob = inline_blob(module=framed(f"build\t-buildmode={mode}\n"))

    assert go(blob=blob, entry=TEXT_START).link_mode == "external"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("function", "mode"), [(0, "internal"), (1, "external"), (2, None)])
def test_on_macos_the_function_at_the_entry_point_tells(layout: Layout, function: int, mode: str | None) -> None:
    entry = TEXT_START + function * FUNCTION_SIZE + 4

    assert go(layout, image_format="macho", entry=entry).link_mode == mode


def test_a_macho_image_that_starts_outside_gos_code_is_linked_externally() -> None:
    assert go(image_format="macho", entry=TEXT[1]).link_mode == "external"


def test_a_function_without_a_place_for_its_name_is_an_error() -> None:
    table = bytearray(Machine().pclntab(("a.a", "main", "a.b")))
    functab = int.from_bytes(table[64:72], "little")
    table[functab + 12 : functab + 16] = b"\xff\xff\xff\xff"

    with pytest.raises(UnreadableBinaryError, match="pclntab: function 1 at 0x"):
        go(names=("a.a", "main", "a.b"), image_format="macho", entry=TEXT_START + FUNCTION_SIZE, table=bytes(table))


def test_the_build_settings_name_the_target() -> None:
    assert go().target == Target(goos="linux", goarch="amd64")
    assert go(blob=inline_blob(module=b"")).target is None


def test_an_image_whose_build_info_was_cut_out_is_still_gos() -> None:
    made = go(blob=bytes(64))

    assert made.build == BuildInfo()
    assert made.functions
    assert made.source_files == b"main.go\0"


def test_a_table_that_no_moduledata_points_at_does_not_make_an_image_gos() -> None:
    assert go_image(blob=bytes(64), moduledata=b"") is None


def test_a_single_table_is_believed_where_a_build_info_shows_that_go_made_the_image() -> None:
    assert "main.main" in go(moduledata=b"").functions


def test_the_table_of_an_embedded_image_is_not_taken_for_the_images_own() -> None:
    machine = Machine()
    embedded = machine.pclntab(("other.main", "net._Cfunc_free"))
    own = machine.pclntab(NAMES)
    moduledata = machine.moduledata(TABLE_AT + len(embedded), len(NAMES), TEXT)

    assert "main.main" in go(table=embedded + own, moduledata=moduledata).functions
    assert "main.main" in go(table=embedded + own, moduledata=moduledata, blob=bytes(64)).functions
    assert go(table=embedded + own, moduledata=b"").damage


def test_an_image_of_nothing_is_not_gos() -> None:
    assert read_go(image(region(bytes(4096)))) is None
    assert read_go(image()) is None


def test_a_build_info_without_a_pclntab_is_damage_that_costs_only_what_the_pclntab_tells() -> None:
    made = go(table=bytes(64))

    assert made.damage == "there is a Go build info, but no pclntab: was it garbled, packed, or damaged?"
    assert (made.cgo_used, made.resolvers(()), made.link_mode) == (None, None, None)
    assert made.build.path is not None


@pytest.mark.parametrize(("format_", "name"), [("elf", ".go_export"), ("macho", "__GNU_GO,__go_export")])
def test_gccgos_export_data_shows_a_go_program_without_build_info(format_: Format, name: str) -> None:
    exports = region(b"v3;\npackage main\n", 0, name=name, writable=False)
    code = region(bytes(64), TEXT_START, writable=False, executable=True)

    made = read_go(image(code, sections=[exports], image_format=format_))

    assert made is not None
    assert (made.build, made.cgo_used, made.cgo_packages, made.link_mode) == (BuildInfo(), None, (), None)
    assert made.resolvers(()) is None
    assert read_go(image(sections=[exports])) is None


def test_gccgo_writes_a_build_info_and_no_pclntab() -> None:
    made = go(table=bytes(64), blob=inline_blob(module=framed("build\t-compiler=gccgo\n")))

    assert made.build.version == "go1.27.3"
    assert not made.functions
    assert made.cgo_used is None
    assert made.cgo_packages == ()
    assert made.link_mode is None
    assert made.resolvers(()) is None


def test_an_object_without_segments_is_read_by_its_sections() -> None:
    table = region(Machine().pclntab(NAMES), 0, name=".gopclntab")

    made = read_go(image(sections=[table], entry=None))

    assert made is not None
    assert "main.main" in made.functions


def test_many_pairs_that_look_like_a_moduledata_are_not_all_tried() -> None:
    pairs = Machine().words(4, 4, 0) * 20_000

    assert go(moduledata=pairs + Machine().moduledata(TABLE_AT, len(NAMES), TEXT), named=True, layout="1.20").text


@given(data=st.data())
def test_any_bytes_give_a_value_or_the_typed_error(data: st.DataObject) -> None:
    machine = Machine(
        byteorder=data.draw(st.sampled_from(("little", "big"))), pointer_size=data.draw(st.sampled_from((4, 8)))
    )
    layout = data.draw(st.sampled_from(LAYOUTS))
    blob = inline_blob() if layout in ("1.18", "1.20") else machine.pointer_blob(DATA_AT)
    parts = [
        blob.ljust(512, b"\0"),
        machine.moduledata(DATA_AT + 1024, len(NAMES), TEXT, layout).ljust(512, b"\0"),
        machine.pclntab(NAMES, layout),
    ]
    whole = bytearray(b"".join(parts))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    made = region(bytes(whole[: cut or None]) + data.draw(st.binary(max_size=64)), DATA_AT)
    table = region(bytes(whole[1024:cut]), DATA_AT + 1024, name=".gopclntab")
    mapped = image(
        made,
        sections=data.draw(st.sampled_from(((), (table,)))),
        machine=machine,
        image_format=data.draw(st.sampled_from(("elf", "macho", "pe"))),
        entry=data.draw(st.sampled_from((None, 0, TEXT_START, TEXT_START + 0x22))),
    )
    try:
        read = read_go(mapped)
    except UnreadableBinaryError as error:
        assert error.format == mapped.format  # noqa: PT017 - both ways out are right
    else:
        if read is not None:
            assert read.link_mode in ("internal", "external", None)
            assert read.resolvers(()) is None or list(read.functions)


@pytest.mark.parametrize("head", [b"\xff Go buildinf:", b"\xf1\xff\xff\xff\0\0\1\x08", b"\xfb\xff\xff\xff\0\0\1\x08"])
@given(tail=st.binary(max_size=256))
def test_random_bytes_behind_a_magic_give_a_value_or_the_typed_error(head: bytes, tail: bytes) -> None:
    try:
        read = read_go(image(region(head + tail)))
    except UnreadableBinaryError as error:
        assert error.path == "app"  # noqa: PT017 - both ways out are right
    else:
        assert read is None or read.build.version


def test_a_program_whose_runtime_is_in_a_library_of_gos_does_not_say_what_is_linked_in() -> None:
    names = ("main.main", "main.init")
    table = region(Machine().pclntab(names), 0x20000, name=".gopclntab")
    alone, whole = (
        read_go(image(region(inline_blob()), section, sections=(section,)))
        for section in (table, region(Machine().pclntab((*names, "runtime.morestack")), 0x20000, name=".gopclntab"))
    )

    assert alone is not None
    assert whole is not None
    assert (alone.whole, alone.cgo_used, alone.resolvers(())) == (False, None, None)
    assert (whole.whole, whole.cgo_used, whole.resolvers(())) == (True, False, ("none",))
