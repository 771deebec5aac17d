"""Fields out of bytes: numbers, texts, and the end."""

from __future__ import annotations

import pytest

from pytest_golink.golang.cursor import Cursor


def cursor(data: bytes, start: int = 0, end: int | None = None) -> Cursor:
    return Cursor(data, start=start, end=end, fail=lambda reason, at: ValueError(f"{at}: {reason}"))


# DWARF 5, figures 22 and 23.
@pytest.mark.parametrize(
    ("data", "number"),
    [
        (b"\x02", 2),
        (b"\x7f", 127),
        (b"\x80\x01", 128),
        (b"\x81\x01", 129),
        (b"\xb9\x64", 12857),
        (b"\xff" * 9 + b"\x01", (1 << 64) - 1),
    ],
)
def test_an_unsigned_number(data: bytes, number: int) -> None:
    assert cursor(data).leb128() == number


@pytest.mark.parametrize(
    ("data", "number"),
    [(b"\x02", 2), (b"\x7e", -2), (b"\xff\x00", 127), (b"\x81\x7f", -127), (b"\x80\x01", 128), (b"\xff\x7e", -129)],
)
def test_a_signed_number(data: bytes, number: int) -> None:
    assert cursor(data).leb128(signed=True) == number


def test_fields_follow_each_other() -> None:
    fields = cursor(b"-\x01\x02\x00name\0rest", start=1)

    assert (fields.byte(), fields.number(2), fields.text(), bytes(fields.take(4))) == (1, 2, b"name", b"rest")


def test_a_number_of_the_other_byte_order() -> None:
    assert Cursor(b"\1\2", fail=lambda *_: ValueError(), byteorder="big").number(2) == 0x102


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (lambda fields: fields.take(5), "2: ends 3 bytes too early"),
        (lambda fields: fields.leb128(), "4: ends 1 bytes too early"),
        (lambda fields: fields.leb128(bits=14), "2: has a number of more than 14 bits"),
        (lambda fields: fields.text(), "2: has a text without a NUL"),
    ],
)
def test_what_goes_past_the_end_is_damage(read: object, message: str) -> None:
    assert callable(read)
    with pytest.raises(ValueError, match=message):
        read(cursor(b"--\x80\x80\x80\0", start=2, end=4))


def test_a_text_that_is_too_long_is_damage() -> None:
    with pytest.raises(ValueError, match="0: has a text without a NUL"):
        cursor(b"name\0").text(longest=4)
