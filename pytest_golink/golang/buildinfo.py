"""
The build info blob: Go version, modules and build settings, as the toolchain wrote them into the image.

Source: Go's src/debug/buildinfo/buildinfo.go (the blob) and src/runtime/debug/mod.go (the module text).
"""

from __future__ import annotations

import re
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.facts import BuildInfo, Module
from pytest_golink.golang.cursor import Cursor
from pytest_golink.golang.memory import Place
from pytest_golink.golang.quoting import quoted_prefix, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.golang.memory import Memory

_MAGIC = b"\xff Go buildinf:"
_ALIGNMENT = 16
_LONGEST_VERSION = 1000
_HEADER_SIZE = 32
_POINTER_SIZE_AT = 14
_FLAGS_AT = 15
_POINTERS_AT = 16
_POINTER_SIZES = (4, 8)
_FLAG_BIG_ENDIAN = 1
_FLAG_INLINE = 2  # since Go 1.18
_MAX_BLOBS = 16

# Go's linker writes the blob into .data for PE, into its own section for other formats.
_SECTIONS = (".go.buildinfo", "__DATA,__go_buildinfo")

# cmd/go frames the module text with 16 bytes on either side, so that it can be found in memory
# (cmd/go/internal/modload/build.go: infoStart, infoEnd).
_SENTINEL_SIZE = 16
_INFO_START = bytes.fromhex("3077af0c9274080241e1c107e6d618e6")
_INFO_END = bytes.fromhex("f932433186182072008242104116d8f2")

_MUST_BE_QUOTED = re.compile(r'[ \t\r\n"`]')


def read_build_info(memory: Memory) -> BuildInfo | None:
    """
    Read the build info of an image; None where it has none.

    Raises:
        UnreadableBinaryError: The blob is there, but damaged.
    """
    error = None
    # Go code that searches for build info may have the magic in its own data: look at more than the first.
    for blob in islice(_blobs(memory), _MAX_BLOBS):
        try:
            return _read_blob(memory, blob)
        except _BadBlob as bad:  # noqa: PERF203 - once or twice in a real image
            error = error or memory.damaged(bad.offset, f"Go build info: {bad}")
    if error is not None:
        raise error
    return _read_framed(memory) if memory.image.format == "wasm" else None


def _read_framed(memory: Memory) -> BuildInfo | None:
    """
    Read the module text by its frame: a WebAssembly module has no blob (cmd/link/internal/ld/data.go, buildinfo).

    It does not name the version.
    """
    for region in memory.regions:
        match = re.search(re.escape(_INFO_START) + rb".*?" + re.escape(_INFO_END), region.data, re.DOTALL)
        if match is not None:
            place = Place(
                address=region.address + match.start(),
                offset=region.offset + match.start(),
                data=region.data[match.start() :],
            )
            try:
                return _parse(place, None, _text(place, _unframed(place, match[0]), "module text"))
            except _BadBlob as bad:
                raise memory.damaged(bad.offset, f"Go build info: {bad}") from bad
    return None


class _BadBlob(Exception):  # noqa: N818 - carried to the place that knows whether it is an error
    def __init__(self, offset: int, what: str) -> None:
        super().__init__(what)
        self.offset = offset


def _blobs(memory: Memory) -> Iterator[Place]:
    """Yield the places of the magic: in the section named for it, or else in the writable segments."""
    found = False
    for place in memory.sections(*_SECTIONS):
        for blob in _scan(place):
            found = True
            yield blob
    if found:
        return
    for region in memory.regions:
        # Only writable ones: a build info in read-only data belongs to an image that this one embeds.
        if region.writable:
            for blob in _scan(Place(address=region.address, offset=region.offset, data=region.data)):
                if _is_header(blob):
                    yield blob


def _is_header(blob: Place) -> bool:
    """
    Return whether a whole header follows the magic: debug/buildinfo, which gccgo's libgo.so holds, has only the magic.

    Every encoding has the pointer size behind the magic, unused where the strings are inline (cmd/link, buildinfo).
    """
    header = blob.data[:_HEADER_SIZE]
    return len(header) < _HEADER_SIZE or header[_POINTER_SIZE_AT] in _POINTER_SIZES


def _scan(place: Place) -> Iterator[Place]:
    for match in re.finditer(re.escape(_MAGIC), place.data):
        at = match.start()
        if (place.address + at) % _ALIGNMENT == 0:
            yield Place(address=place.address + at, offset=place.offset + at, data=place.data[at:])


def _read_blob(memory: Memory, blob: Place) -> BuildInfo:
    header = blob.data[:_HEADER_SIZE]
    if len(header) < _HEADER_SIZE:
        raise _BadBlob(blob.offset, f"the header needs {_HEADER_SIZE} bytes, {len(header)} are there")
    if header[_FLAGS_AT] & _FLAG_INLINE:
        raw_version, at = _inline_string(blob, _HEADER_SIZE, "version")
        raw_modules, _ = _inline_string(blob, at, "module text")
    elif not memory.image.segments:
        # In an object file the pointers are relocations against symbols, for the linker to fill in.
        return BuildInfo()
    else:
        raw_version, raw_modules = _pointed_strings(memory, blob)
    version = _text(blob, raw_version, "version")
    if not version:
        raise _BadBlob(blob.offset, "the Go version is empty")
    if len(version) > _LONGEST_VERSION:
        # Python reads no number of more than 4300 digits.
        raise _BadBlob(blob.offset, f"the Go version is {len(version)} characters long")
    return _parse(blob, version, _text(blob, _unframed(blob, raw_modules), "module text"))


def _inline_string(blob: Place, at: int, what: str) -> tuple[bytes, int]:
    """Read a string with its length before it as a varint; return it and the position after it."""
    no_end = f"the length of the {what} has no end"
    cursor = Cursor(blob.data, start=at, fail=lambda _, place: _BadBlob(blob.offset + place, no_end))
    length = cursor.leb128()
    at = cursor.at
    if length > len(blob.data) - at:
        beyond = length - (len(blob.data) - at)
        raise _BadBlob(blob.offset + at, f"the {what} of {length} bytes goes {beyond} bytes past the end of its region")
    return bytes(blob.data[at : at + length]), at + length


def _pointed_strings(memory: Memory, blob: Place) -> tuple[bytes, bytes]:
    """Read the two strings that the header points at, as it was up to Go 1.17."""
    size = blob.data[_POINTER_SIZE_AT]
    big_endian = bool(blob.data[_FLAGS_AT] & _FLAG_BIG_ENDIAN)
    image = memory.image
    if size != image.pointer_size or big_endian != (image.byteorder == "big"):
        raise _BadBlob(
            blob.offset + _POINTER_SIZE_AT,
            f"pointers of {size} bytes, {'big' if big_endian else 'little'} endian, "
            f"in an image with {image.pointer_size} bytes, {image.byteorder} endian",
        )
    strings = []
    for at, what in ((_POINTERS_AT, "version"), (_POINTERS_AT + size, "module text")):
        header = memory.pointer(blob.address + at)
        if not header:
            # No module info: a build without modules.
            strings.append(b"")
            continue
        data, raw_length = memory.pointer(header), memory.read(header + size, size)
        if data is None or raw_length is None:
            raise _BadBlob(blob.offset + at, f"the {what} is at {header:#x}, outside the image")
        length = int(memory.word.unpack(raw_length)[0])
        raw = memory.read(data, length) if length else b""
        if raw is None:
            raise _BadBlob(blob.offset + at, f"the {what} of {length} bytes at {data:#x} lies outside the image")
        strings.append(bytes(raw))
    return strings[0], strings[1]


def _unframed(blob: Place, raw: bytes) -> bytes:
    if not raw:
        return b""
    if raw == _INFO_START + _INFO_END:
        # -buildmode=shared writes this for the standard library.
        return b""
    if len(raw) <= 2 * _SENTINEL_SIZE or raw[-_SENTINEL_SIZE - 1 : -_SENTINEL_SIZE] != b"\n":
        raise _BadBlob(blob.offset, f"the module text of {len(raw)} bytes is not framed by its two marks")
    return raw[_SENTINEL_SIZE:-_SENTINEL_SIZE]


def _text(blob: Place, raw: bytes, what: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _BadBlob(blob.offset, f"the {what} is not UTF-8 at its byte {error.start}") from error


def _parse(blob: Place, version: str | None, text: str) -> BuildInfo:
    path: str | None = None
    # The main module (if there is a "mod" line) and the others, each with its replacement.
    main: list[Module] = []
    modules: list[Module] = []
    # The list whose last module stands on the line before: a "=>" line replaces that module.
    last: list[Module] | None = None
    settings: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        if not line:
            # Go writes one behind each replacement (runtime/debug/mod.go, String).
            continue
        verb, _, rest = line.partition("\t")
        try:
            replaceable, last = last, None
            if verb == "path":
                path = rest
            elif verb == "mod":
                main = last = [_module(rest)]
            elif verb == "dep":
                modules.append(_module(rest))
                last = modules
            elif verb == "=>":
                if replaceable is None:
                    raise ValueError("a replacement without a module before it")
                replaced = replaceable[-1]
                replaceable[-1] = Module(
                    path=replaced.path, version=replaced.version, sum=replaced.sum, replace=_module(rest)
                )
            elif verb == "build":
                key, value = _setting(rest)
                settings[key] = value
            else:
                # Go itself skips unknown words; here that would hide a damaged line.
                raise ValueError(f"unknown word {verb[:40]!r}")
        except ValueError as error:
            raise _BadBlob(blob.offset, f"module text, line {number}: {error}") from error
    return BuildInfo(
        version=version,
        path=path,
        module=main[0] if main else None,
        modules=tuple(modules),
        settings=MappingProxyType(settings),
    )


def _module(columns: str) -> Module:
    path, *rest = columns.split("\t")
    if not 1 <= len(rest) <= 2:
        raise ValueError(f"a module needs 2 or 3 columns, not {1 + len(rest)}")
    return Module(path=path, version=rest[0], sum=(rest[1] if len(rest) == 2 else "") or None)


def _setting(text: str) -> tuple[str, str]:
    """Return the key and the value of a build setting, which Go quotes where they hold blanks or quotes."""
    if text[:1] in ('"', "`"):
        quoted = quoted_prefix(text)
        key, rest = unquote(quoted), text[len(quoted) :]
        if rest[:1] != "=":
            raise ValueError("no = after the quoted key of a build setting")
        raw = rest[1:]
    else:
        key, equals, raw = text.partition("=")
        if not key or not equals or _MUST_BE_QUOTED.search(key):
            raise ValueError("a build setting is not of the form key=value")
    if raw[:1] in ('"', "`"):
        return key, unquote(raw)
    if _MUST_BE_QUOTED.search(raw):
        raise ValueError(f"the value of the build setting {key[:40]!r} has blanks or quotes, but is not quoted")
    return key, raw
