"""The lock as text, and back."""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_golink.errors import LockError
from pytest_golink.lock import Lock, LockEntry, Tolerance, compare, lock_text, parse_lock
from pytest_golink.lock.entry import entry_name
from pytest_golink.lock.model import FIELDS, in_order
from pytest_golink.text.escape import escape
from tests.lock.entry_factory import entry
from tests.rules import facts_factory as made

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Few and short: it is the kind of character that matters. The first draw of any text builds Hypothesis' table of them.
SMALL = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LONGEST = 12
HEAD = "lock = 2\n\n"

names = st.text(max_size=LONGEST).map(escape)
values = st.one_of(names, st.booleans(), st.integers(min_value=0, max_value=999_999_999))


@st.composite
def entries(draw: st.DrawFn) -> LockEntry:
    facts: dict[tuple[str, str], str | int | bool] = {}
    for field in draw(st.lists(st.sampled_from([*FIELDS]), max_size=5)):
        key = (field, draw(names) if FIELDS[field] else "")
        facts[key] = "2.35 MB" if field == "size" else draw(values)
    return LockEntry(
        image=entry_name(draw(st.text(min_size=1, max_size=LONGEST))),
        facts=tuple((key, facts[key]) for key in sorted(facts, key=in_order)),
    )


def without_lines(lock: Lock) -> list[tuple[str, object]]:
    # repr tells true from 1.
    return [(each.image, repr(each.facts)) for each in lock.entries]


@SMALL
@given(st.lists(entries(), max_size=3, unique_by=lambda each: each.image))
def test_what_is_written_is_read(written: list[LockEntry]) -> None:
    read = parse_lock(lock_text(written), name="golink.lock")

    assert without_lines(read) == [
        (each.image, repr(each.facts)) for each in sorted(written, key=lambda each: each.image)
    ]
    assert lock_text(read.entries) == lock_text(written)


@SMALL
@given(st.lists(entries(), max_size=3, unique_by=lambda each: each.image))
def test_it_is_toml(written: list[LockEntry]) -> None:
    read = tomllib.loads(lock_text(written))

    assert read["lock"] == 2
    for each in written:
        table = read.get("image", {})[each.image]
        for (field, name), value in each.facts:
            assert repr(table[field][name] if FIELDS[field] else table[field]) == repr(value)


def test_an_order_of_entries_is_the_order_of_their_names() -> None:
    written = [entry(made.STATIC, image=image) for image in ("b", "a[linux/arm64]", "a[linux/amd64]")]

    assert [line for line in lock_text(written).splitlines() if line.startswith("[")] == [
        '[image."a[linux/amd64]"]',
        '[image."a[linux/arm64]"]',
        '[image."b"]',
    ]


def test_an_entry_knows_its_line() -> None:
    text = lock_text([entry(made.STATIC, image="a"), entry(made.STATIC, image="b")])

    lock = parse_lock(text, name="golink.lock")

    lines = text.splitlines()
    assert [lines[each.line - 1] for each in lock.entries] == ['[image."a"]', '[image."b"]']


def test_a_file_that_windows_wrote_is_read_as_well() -> None:
    text = lock_text([entry(made.DYNAMIC)])

    assert without_lines(parse_lock("\ufeff" + text.replace("\n", "\r\n"), name="golink.lock")) == without_lines(
        parse_lock(text, name="golink.lock")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            'golink.lock:1: expected "lock = 2", and there is nothing; '
            "`pytest --golink-update-lock` writes golink.lock anew",
        ),
        (
            '# a comment\n[image."a"]\n',
            'golink.lock:2: expected "lock = 2" first; `pytest --golink-update-lock` writes golink.lock anew',
        ),
        (
            "lock = 3\nwhatever\n",
            "golink.lock:1: lock = 3, and this pytest-golink reads lock = 1 to 2; a newer pytest-golink wrote it",
        ),
        (
            "lock = 0\n",
            "golink.lock:1: lock = 0, and this pytest-golink reads lock = 1 to 2; "
            "`pytest --golink-update-lock` writes golink.lock anew",
        ),
        (
            HEAD + '[image."a"]\n<<<<<<< HEAD\ncgo = true\n=======\ncgo = false\n>>>>>>> topic\n',
            'golink.lock:4: a merge left its conflict marker "<<<<<<<" here; '
            "`pytest --golink-update-lock` writes golink.lock anew",
        ),
    ],
)
def test_a_file_that_is_no_lock_is_an_error_with_its_line(text: str, message: str) -> None:
    with pytest.raises(LockError) as caught:
        parse_lock(text, name="golink.lock")

    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('linkages = "static"', 'unknown fact "linkages"; did you mean "linkage"?'),
        ("linkage", "not a line that golink writes: linkage"),
        ('linkage = "static" # why', 'not a line that golink writes: linkage = "static" # why'),
        ("linkage = 'static'", "not a line that golink writes: linkage = 'static'"),
        ('linkage."a" = true', "linkage is written linkage = …"),
        ('needed = "libc.so.6"', 'needed is written needed."NAME" = …'),
        ('size = "large"', 'size is written as golink rounds it, such as "2.35 MB"'),
        ("size = 5", 'size is written as golink rounds it, such as "2.35 MB"'),
        ("\x1b[2J", "not a line that golink writes: \\x1b[2J"),
        ('needed."\x1b[2J" = true', 'not a line that golink writes: needed."\\x1b[2J" = true'),
        ('[image."a ::error::"]', 'not a line that golink writes: [image."a \\x3a:error::"]'),
        ("nx = false", "a second nx of the same image"),
        ('[image."a"]', 'a second entry of "a"; the first one is in line 3'),
    ],
)
def test_a_line_that_golink_does_not_write_is_an_error_that_names_it(line: str, message: str) -> None:
    with pytest.raises(LockError) as caught:
        parse_lock(f'{HEAD}[image."a"]\nnx = true\n{line}\n', name="golink.lock")

    assert str(caught.value) == f"golink.lock:5: {message}; `pytest --golink-update-lock` writes golink.lock anew"


def test_a_lock_of_the_first_version_is_read_and_does_not_tell_what_came_later() -> None:
    text = lock_text([entry(made.STATIC, image="a")]).replace("lock = 2", "lock = 1")
    older = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("main-package"))

    lock = parse_lock(older, name="golink.lock")

    assert lock.version == 1
    assert not compare(lock.entries[0], entry(made.STATIC, image="a", soname="libx.so"), Tolerance()).differences
    assert compare(lock.entries[0], entry(made.STATIC, image="a", interpreter="/lib/ld"), Tolerance()).fails
    with pytest.raises(LockError, match=r'golink\.lock:\d+: unknown fact "main-package"'):
        parse_lock(text, name="golink.lock")


def test_a_fact_before_the_first_image_is_an_error() -> None:
    with pytest.raises(LockError, match=r"golink\.lock:3: not a line that golink writes: nx = true"):
        parse_lock(HEAD + "nx = true\n", name="golink.lock")


def test_all_wrong_lines_are_told_at_once() -> None:
    with pytest.raises(LockError) as caught:
        parse_lock(HEAD + '[image."a"]\nx = 1\ny = 2\n', name="golink.lock")

    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == ["golink.lock:4:", "golink.lock:5:"]
