from __future__ import annotations

import pytest

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.facts import BuildInfo, Module
from pytest_golink.golang.buildinfo import read_build_info
from pytest_golink.golang.memory import Memory
from tests.golang.handmade import MODULE_TEXT, Machine, framed, image, inline_blob, region

MACHINES = [
    Machine(byteorder="little", pointer_size=8),
    Machine(byteorder="big", pointer_size=8),
    Machine(byteorder="little", pointer_size=4),
    Machine(byteorder="big", pointer_size=4),
]


def read(blob: bytes, *, section: bool = True) -> BuildInfo | None:
    made = region(blob, name=".go.buildinfo" if section else "")
    return read_build_info(Memory(image(made, sections=[made] if section else [])))


def parse(text: str | bytes) -> BuildInfo:
    build = read(inline_blob(module=framed(text)))
    assert build is not None
    return build


def test_the_build_info_has_version_modules_and_settings_in_order() -> None:
    build = read(inline_blob())

    assert build is not None
    assert build.version == "go1.27.3"
    assert build.path == "example.com/app"
    assert build.module == Module(path="example.com/app", version="(devel)")
    assert build.modules == (Module(path="example.com/x", version="v1.2.3", sum="h1:abc="),)
    assert list(build.settings.items()) == [("-compiler", "gc"), ("GOARCH", "amd64"), ("GOOS", "linux")]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_build_info_of_go_1_17_is_read_through_its_pointers(machine: Machine) -> None:
    made = region(machine.pointer_blob(0x10000))

    build = read_build_info(Memory(image(made, machine=machine)))

    assert build is not None
    assert build.version == "go1.16.6"
    assert build.module == Module(path="example.com/app", version="(devel)")


def test_the_pointers_of_a_position_independent_image_are_relocated() -> None:
    machine = Machine()
    blob = bytearray(machine.pointer_blob(0x10000))
    relocated = {}
    for at in (16, 24, 32, 48):
        relocated[0x10000 + at] = int.from_bytes(blob[at : at + 8], "little")
        blob[at : at + 8] = bytes(8)

    build = read_build_info(Memory(image(region(bytes(blob)), relocated=relocated)))

    assert build is not None
    assert build.version == "go1.16.6"
    assert build.path == "example.com/app"


def test_an_object_file_has_the_build_info_of_go_1_17_with_the_linker_yet_to_say_where() -> None:
    made = region(Machine().pointer_blob(0x10000), name=".go.buildinfo", address=0)

    assert read_build_info(Memory(image(sections=[made]))) == BuildInfo()


def test_a_build_without_modules_has_a_version_only() -> None:
    assert read(inline_blob(module=b"")) == BuildInfo(version="go1.27.3")
    no_modules = bytearray(Machine().pointer_blob(0x10000))
    no_modules[24:32] = bytes(8)
    assert read_build_info(Memory(image(region(bytes(no_modules))))) == BuildInfo(version="go1.16.6")


def test_an_empty_string_behind_a_pointer_is_no_modules() -> None:
    assert read_build_info(Memory(image(region(Machine().pointer_blob(0x10000, module=b""))))) == BuildInfo(
        version="go1.16.6"
    )


def test_without_its_section_the_build_info_is_found_in_a_writable_segment() -> None:
    blob = inline_blob()

    assert read(bytes(64) + blob, section=False) == read(blob)


def test_a_build_info_in_read_only_data_is_that_of_an_embedded_image() -> None:
    assert read_build_info(Memory(image(region(inline_blob(), writable=False)))) is None


def test_the_magic_must_be_aligned() -> None:
    assert read(bytes(8) + inline_blob(), section=False) is None


def test_go_code_that_holds_the_magic_does_not_hide_the_build_info_behind_it() -> None:
    decoy = b"\xff Go buildinf:".ljust(48, b"\0")

    build = read(decoy + inline_blob(), section=False)

    assert build is not None
    assert build.version == "go1.27.3"


@pytest.mark.parametrize("behind", [b"", b"\6", b"\0\0\0\0words"])
def test_the_magic_alone_is_data_of_a_program_that_looks_for_build_info(behind: bytes) -> None:
    assert read(b"\xff Go buildinf:" + bytes(2) + behind.ljust(64, b"\0"), section=False) is None


def test_no_magic_is_no_build_info() -> None:
    assert read(bytes(64)) is None
    assert read(b"") is None


@pytest.mark.parametrize("blob", [inline_blob(), Machine().pointer_blob(0x10000)])
def test_a_build_info_cut_anywhere_is_an_error_and_one_without_magic_is_none(blob: bytes) -> None:
    for size in range(14):
        assert read(blob[:size], section=False) is None
    for size in range(14, len(blob)):
        with pytest.raises(UnreadableBinaryError, match=r"^app: elf: at offset 0x1[0-9a-f]{2}: Go build info: "):
            read(blob[:size], section=False)


def test_a_replaced_module_keeps_what_stands_in_its_place() -> None:
    build = parse(
        "path\tcmd\nmod\texample.com/app\tv1.0.0\th1:a=\n=>\t./local\t(devel)\t\n"
        "dep\texample.com/x\tv1.0.0\n=>\texample.com/fork\tv1.0.1\th1:b=\n"
    )

    assert build.module == Module(
        path="example.com/app", version="v1.0.0", sum="h1:a=", replace=Module(path="./local", version="(devel)")
    )
    assert build.modules == (
        Module(
            path="example.com/x",
            version="v1.0.0",
            replace=Module(path="example.com/fork", version="v1.0.1", sum="h1:b="),
        ),
    )


def test_quoted_settings_are_unquoted_as_go_does() -> None:
    build = parse(
        'build\t-ldflags="-s -w -X \\"main.v=a b\\""\nbuild\t"odd key"=plain\nbuild\t`k`=`v w`\nbuild\tempty=\n'
    )

    assert dict(build.settings) == {"-ldflags": '-s -w -X "main.v=a b"', "odd key": "plain", "k": "v w", "empty": ""}


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("mod\texample.com/app\n", "a module needs 2 or 3 columns, not 1"),
        ("dep\ta\tb\tc\td\n", "a module needs 2 or 3 columns, not 4"),
        ("=>\ta\tv1\th1:\n", "a replacement without a module before it"),
        ("dep\ta\tv1\n=>\tb\tv1\t\n=>\tc\tv1\t\n", "a replacement without a module before it"),
        ("build\t\n", "not of the form key=value"),
        ("build\t=x\n", "not of the form key=value"),
        ("build\tkey\n", "not of the form key=value"),
        ("build\ta b=c\n", "not of the form key=value"),
        ('build\t"a=c\n', "a quoted string has no end"),
        ('build\t"a"c\n', "no = after the quoted key"),
        ("build\ta=b c\n", "has blanks or quotes, but is not quoted"),
        ('build\ta="b\n', "a quoted string has no end"),
        ('build\ta="b"c\n', "text after the end of a quoted string"),
        ('build\ta="\\q"\n', "is no escape of a Go string"),
        ("bui1d\ta=b\n", "unknown word 'bui1d'"),
    ],
)
def test_a_malformed_line_of_the_module_text_is_an_error_that_names_it(line: str, what: str) -> None:
    with pytest.raises(UnreadableBinaryError, match=r"module text, line \d: ") as error:
        parse("path\tx\n" + line)
    assert what in error.value.reason


@pytest.mark.parametrize(
    ("blob", "what"),
    [
        (inline_blob(version=b""), "the Go version is empty"),
        (inline_blob(version=b"go1." + b"9" * 5000), "the Go version is 5004 characters long"),
        (inline_blob(version=b"go\xff"), "the version is not UTF-8 at its byte 2"),
        (inline_blob(module=framed(b"path\t\xff\n")), "the module text is not UTF-8 at its byte 5"),
        (inline_blob(module=b"path\tx\n"), "the module text of 7 bytes is not framed by its two marks"),
        (inline_blob(module=framed("path\tx")), "is not framed by its two marks"),
        (inline_blob()[:32] + b"\xff" * 16, "the length of the version has no end"),
        (inline_blob()[:32] + b"\x7f" + bytes(8), "the version of 127 bytes goes 119 bytes past the end of its region"),
        (Machine(pointer_size=4).pointer_blob(0x10000), "pointers of 4 bytes, little endian, in an image with 8 bytes"),
        (Machine(byteorder="big").pointer_blob(0x10000), "pointers of 8 bytes, big endian, in an image with 8 bytes"),
        (Machine().pointer_blob(0x20000), "the version is at 0x20020, outside the image"),
        (Machine().pointer_blob(0x10000, version=b""), "the Go version is empty"),
        (Machine().pointer_blob(0x10000)[:-1], f"of {len(MODULE_TEXT) + 32} bytes at 0x10048 lies outside the image"),
    ],
)
def test_a_damaged_build_info_is_an_error_that_says_what_is_wrong(blob: bytes, what: str) -> None:
    with pytest.raises(UnreadableBinaryError) as error:
        read(blob)
    assert what in error.value.reason


def test_many_damaged_blobs_are_not_all_tried() -> None:
    decoys = b"\xff Go buildinf:\x08".ljust(32, b"\0") * 100

    with pytest.raises(UnreadableBinaryError, match="at offset 0x100: Go build info: the Go version is empty"):
        read(decoys + inline_blob(), section=False)


def test_the_standard_library_as_a_shared_library_has_an_empty_module_text() -> None:
    build = read_build_info(Memory(image(region(inline_blob(module=framed(""))))))

    assert build == BuildInfo(version="go1.27.3")
