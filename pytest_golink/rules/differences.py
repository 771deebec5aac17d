"""What differs between two images of one program, and what of it is a cause that has a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from struct import Struct
from typing import TYPE_CHECKING, TypeAlias

from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_golink.reader.sections import Section

_BLOCK_BYTES = 1 << 16
# A path is longer than what follows it.
_SHOWN_BEFORE, _SHOWN_AFTER = 240, 80
_LEAST_TEXT = 4
_SHOWN_HEX_BYTES = 8
_SECTIONS_SHOWN = 6
# They hold hashes of all the rest, or offsets into it: that they differ says nothing.
_FOLLOWS = re.compile(
    r"\.note\.(go\.buildid|gnu\.build-id)|\.buildid|\.gnu_debuglink|headers|(between|after the) sections|__LINKEDIT"
)
# Of the main package's inputs, of it, of all packages, and of the image.
# Source: cmd/go/internal/work/buildid.go.
_BUILD_ID = re.compile(rb"[\w-]{20}(?:/[\w-]{20}){3}")
_WORK_FOLDER = re.compile(rb"(?:go-build|go-link-|cgo-gcc-input-|golink-)[0-9A-Za-z_-]{5,40}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|[A-Z][a-z]{2} [ \d]\d \d{4}")
_U32 = Struct("<I")


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """One of the two: its bytes and sections, the folder that it was built in, and its build settings."""

    data: bytes
    sections: tuple[Section, ...]
    folder: str
    settings: Mapping[str, str]


# The name, and the section in each of the two.
_Pair: TypeAlias = "tuple[str, Section | None, Section | None]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Differences:
    """`where` names the sections that differ; `evidence`, `cause` and `remedy` are as a verdict has them."""

    where: tuple[str, ...]
    evidence: tuple[str, ...]
    cause: tuple[str, ...]
    remedy: tuple[str, ...]


def differences(first: Built, second: Built) -> Differences:
    """Return what differs between two images that are not the same, byte for byte."""
    differing = [pair for pair in _pairs(first, second) if _bytes(first, pair[1]) != _bytes(second, pair[2])]
    where = tuple(name for name, _, _ in differing)
    lines: list[str] = []
    cause: list[str] = []
    remedy: list[str] = []
    for found in (
        _folder(first),
        _settings(first, second),
        _work_folders(first, second),
        _pe_time(first, second),
    ):
        if found is not None:
            lines += found[0]
            cause.append(found[1])
            remedy.append(found[2])
    if not cause:
        own = [pair for pair in differing if not _FOLLOWS.fullmatch(pair[0])]
        lines += [_first_difference(first, second, pair) for pair in (own or differing)[:_SECTIONS_SHOWN]]
        if _only_build_ids(first, second, own):
            cause.append(
                "only build IDs differ: Go's is a hash of all that the build was given, and a #cgo flag with ${SRCDIR} "
                "is another in each folder"
            )
            remedy.append("-ldflags=-buildid=, or a #cgo flag without ${SRCDIR}")
        elif any(_TIME.search(line) for line in lines):
            cause.append(
                "a time is in the image: one that -X sets, that a generator writes, or C's __DATE__ and __TIME__"
            )
            remedy.append("take it from the commit or SOURCE_DATE_EPOCH")
        else:
            cause.append("not a folder, a build setting or a temporary name of the go command: look at these strings")
    if any(_FOLLOWS.fullmatch(name) for name in where):
        lines.append("build IDs, headers and tables of offsets differ with them")
    lines.append(f"sections that differ: {listed(where)}" if where else "only the sizes differ")
    if len(first.data) != len(second.data):
        lines.append(f"{len(first.data)} and {len(second.data)} bytes")
    return Differences(where=where, evidence=tuple(lines), cause=tuple(cause), remedy=tuple(remedy))


def _only_build_ids(first: Built, second: Built, own: Iterable[_Pair]) -> bool:
    # Mach-O and PE have Go's in the text.
    without = [
        [_BUILD_ID.sub(b"", _bytes(first, one)), _BUILD_ID.sub(b"", _bytes(second, other))] for _, one, other in own
    ]
    ids = [_BUILD_ID.findall(built.data) for built in (first, second)]
    return ids[0] != ids[1] and all(mine == theirs for mine, theirs in without)


def _pairs(first: Built, second: Built) -> list[_Pair]:
    one, other = _numbered(first.sections), _numbered(second.sections)
    return [(key[0], one.get(key), other.get(key)) for key in dict.fromkeys([*one, *other])]


def _numbered(sections: Sequence[Section]) -> dict[tuple[str, int], Section]:
    # Several may have one name, such as "between sections".
    named = groupby(sorted(sections, key=lambda one: one.name), key=lambda one: one.name)
    numbers = {(name, index): section for name, group in named for index, section in enumerate(group)}
    return dict(sorted(numbers.items(), key=lambda item: item[1].offset))


def _bytes(built: Built, section: Section | None) -> bytes:
    return b"" if section is None else built.data[section.offset : section.offset + section.size]


_Found = tuple[list[str], str, str]


def _folder(built: Built) -> _Found | None:
    needle = built.folder.encode()
    places: list[tuple[str, int]] = []
    for section in built.sections:
        at = built.data.find(needle, section.offset, section.offset + section.size)
        if at >= 0:
            places.append((section.name, at))
    if not places:
        return None
    names = [name for name, _ in places]
    lines = [f"{name}: {_text(built, at)}" for name, at in places[:_SECTIONS_SHOWN]]
    cause = f"the folder that it is built in is in {listed(names)}"
    if built.settings.get("-trimpath") != "true":
        return lines, cause, "-trimpath"
    if all("debug" in name for name in names):
        return lines, f"{cause}, from the C compiler", "-ldflags=-w, or CGO_CFLAGS=-ffile-prefix-map=$PWD=."
    remedy = (
        "look where these strings come from: -X, go:embed, a #cgo flag with ${SRCDIR}, or a generator that writes "
        "absolute paths"
    )
    return lines, cause, remedy


def _settings(first: Built, second: Built) -> _Found | None:
    names = [
        name
        for name in dict.fromkeys([*first.settings, *second.settings])
        if first.settings.get(name) != second.settings.get(name)
    ]
    if not names:
        return None
    lines = [
        f"build setting {name}: {_plain(first, first.settings.get(name))} | {_plain(second, second.settings.get(name))}"
        for name in names[:_SECTIONS_SHOWN]
    ]
    if all(name.startswith("vcs") for name in names):
        return lines, "the state of the repository is in the build info", "-buildvcs=false, in GOFLAGS"
    return lines, f"the build info records {listed(names)}", "-trimpath leaves flags with paths out of the build info"


def _plain(built: Built, value: str | None) -> str:
    return "not recorded" if value is None else value.replace(built.folder, "FOLDER")


def _work_folders(first: Built, second: Built) -> _Found | None:
    only = sorted(_work_names(first) - _work_names(second))
    if not only:
        return None
    at = first.data.find(only[0])
    name = next((one.name for one in first.sections if one.offset <= at < one.offset + one.size), "file")
    # The name itself is another in every build.
    lines = [f"{name}: {_text(first, at).replace(only[0].decode(), 'TEMPORARY')}"]
    return lines, f"a temporary folder or file of the go command is named in {name}", "-ldflags='-s -w'"


def _work_names(built: Built) -> set[bytes]:
    return {name for name in _WORK_FOLDER.findall(built.data) if name not in built.folder.encode()}


def _pe_time(first: Built, second: Built) -> _Found | None:
    times = [_pe_timestamp(built.data) for built in (first, second)]
    if times[0] is None or times[0] == times[1]:
        return None
    remedy = "-extldflags=-Wl,--no-insert-timestamp"
    return ["headers: TimeDateStamp"], "the C linker writes the time of the link into the headers", remedy


def _pe_timestamp(data: bytes) -> int | None:
    # Source: Microsoft's PE Format specification: the signature's offset is at 0x3c, the COFF header follows it.
    if data[:2] != b"MZ" or len(data) < 0x40:
        return None
    (start,) = _U32.unpack_from(data, 0x3C)
    stamp: int | None = _U32.unpack_from(data, start + 8)[0] if start + 12 <= len(data) else None
    return stamp


def _first_difference(first: Built, second: Built, pair: _Pair) -> str:
    name, one, other = pair
    if one is None or other is None:
        return f"{name} is in one of the two only"
    at = _differs_at(_bytes(first, one), _bytes(second, other))
    mine, theirs = (_text(built, section.offset + at) for built, section in ((first, one), (second, other)))
    return f"{name} at offset 0x{at:x}: {mine} | {theirs}"


def _differs_at(one: bytes, other: bytes) -> int:
    start = 0
    while one[start : start + _BLOCK_BYTES] == other[start : start + _BLOCK_BYTES]:
        start += _BLOCK_BYTES
    block = zip(one[start : start + _BLOCK_BYTES], other[start : start + _BLOCK_BYTES], strict=False)
    return start + next((index for index, (a, b) in enumerate(block) if a != b), min(len(one), len(other)) - start)


def _text(built: Built, at: int) -> str:
    """Return the printable text around an offset, in which the folder is called FOLDER; bytes where there is none."""
    before = _printable(reversed(built.data[max(0, at - _SHOWN_BEFORE) : at]))[::-1]
    text = before + _printable(built.data[at : at + _SHOWN_BEFORE + _SHOWN_AFTER])
    if len(text) < _LEAST_TEXT:
        return built.data[at : at + _SHOWN_HEX_BYTES].hex(" ") or "nothing"
    text = text.replace(built.folder, "FOLDER")
    where = max(0, text.find("FOLDER"))
    return f'"{text[where : where + _SHOWN_BEFORE]}"'


def _printable(data: Iterable[int]) -> str:
    text = []
    for byte in data:
        if not 0x20 <= byte < 0x7F:
            break
        text.append(chr(byte))
    return "".join(text)
