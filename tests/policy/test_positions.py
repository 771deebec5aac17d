"""Each key has its line, and the keys are those that tomllib sees."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_golink.policy.positions import positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.policy.positions import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DOCUMENT = r'''# a comment with [brackets] = "and" quotes
top = 1
"quoted key" = 'a # b = c'
"es\u0063aped" = """
x = 1
[no.table]""""
literal = '''
DOCUMENT += """'''
y = "2"
'''''
dotted . key."with space" = true
[table.inner] # comment
list = [ # comment ]
  "one", # "two",
  { a = 1, b = { c = 2 } },

  [ 1979-05-27 07:32:00, -1e3 ],
]
inline = { x.y = "}", z = ['],', "\\"]"] }
[[array]]
name = "first"
[array.sub]
deep = 1
[[array.more]]
m = 1
[[array.more]]
m = 2
[[array]]
name = "second"
  [[array.more]]
  m = 3
[table]
after = 1
"""


def test_each_key_and_each_element_has_its_line() -> None:
    lines = positions(DOCUMENT, tomllib.loads)

    assert lines == {
        ("top",): 2,
        ("quoted key",): 3,
        ("escaped",): 4,
        ("literal",): 7,
        ("dotted",): 10,
        ("dotted", "key"): 10,
        ("dotted", "key", "with space"): 10,
        ("table",): 11,
        ("table", "inner"): 11,
        ("table", "inner", "list"): 12,
        ("table", "inner", "list", 0): 13,
        ("table", "inner", "list", 1): 14,
        ("table", "inner", "list", 1, "a"): 14,
        ("table", "inner", "list", 1, "b"): 14,
        ("table", "inner", "list", 1, "b", "c"): 14,
        ("table", "inner", "list", 2): 16,
        ("table", "inner", "list", 2, 0): 16,
        ("table", "inner", "list", 2, 1): 16,
        ("table", "inner", "inline"): 18,
        ("table", "inner", "inline", "x"): 18,
        ("table", "inner", "inline", "x", "y"): 18,
        ("table", "inner", "inline", "z"): 18,
        ("table", "inner", "inline", "z", 0): 18,
        ("table", "inner", "inline", "z", 1): 18,
        ("array",): 19,
        ("array", 0): 19,
        ("array", 0, "name"): 20,
        ("array", 0, "sub"): 21,
        ("array", 0, "sub", "deep"): 22,
        ("array", 0, "more"): 23,
        ("array", 0, "more", 0): 23,
        ("array", 0, "more", 0, "m"): 24,
        ("array", 0, "more", 1): 25,
        ("array", 0, "more", 1, "m"): 26,
        ("array", 1): 27,
        ("array", 1, "name"): 28,
        ("array", 1, "more"): 29,
        ("array", 1, "more", 0): 29,
        ("array", 1, "more", 0, "m"): 30,
        ("table", "after"): 32,
    }
    assert set(lines) == set(paths(tomllib.loads(DOCUMENT)))


def test_line_breaks_and_trailing_commas_in_inline_tables_are_of_toml_1_1() -> None:
    # Parsers of TOML 1.0 refuse it; nothing but keys with escapes is asked of the parser.
    text = "a = {\n  b = 1, # one\n  c = 2,\n}\nd = 3\n"

    assert positions(text, tomllib.loads) == {("a",): 1, ("a", "b"): 2, ("a", "c"): 3, ("d",): 5}


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """The paths of what tomllib gives."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield (*path, key)
        yield from paths(entry, (*path, key))


BARE = st.sampled_from(["a", "b", "c1", "d-e", "f_g", "1", "true"])
QUOTED = st.sampled_from(['"a"', '"x y"', '"]"', '"a.b"', '"\\"="', '"\\u0061"', "'#'", "'\\'", '""'])
KEY = st.lists(BARE | QUOTED, min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([".", " . ", "\t."]).map(lambda dot: dot.join(parts))
)
BLANK = st.sampled_from(["", " ", "\n", "\n\n  ", " # ] } = [\n", "\n#'\n"])
PLAIN = st.sampled_from(["1", "0x1F", "1.5e3", "inf", "true", "1979-05-27", "1979-05-27 07:32:00", "07:32:00.5"])
STRING = st.sampled_from(
    [
        *('""', '"]"', '"\\""', '"#"', "'\\'", "'\"'"),
        *('"""\n[a]\n"""', '"""a"b""c"""', '"""a"""""', '"""\\"""\\\n x"""'),
        *("''''''", "'''\n= '\n'''", "'''a'''''"),
    ]
)


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    element = st.tuples(BLANK, inner, BLANK).map("".join)
    lists = st.tuples(st.lists(element, max_size=3).map(",".join), BLANK).map(lambda parts: f"[{''.join(parts)}]")
    pair = st.tuples(KEY, inner).map(" = ".join)
    return lists | st.lists(pair, max_size=3).map(lambda pairs: f"{{ {', '.join(pairs)} }}")


VALUE = st.recursive(PLAIN | STRING, containers, max_leaves=6)
LINE = st.one_of(
    st.tuples(KEY, VALUE).map(" = ".join),
    KEY.map(lambda key: f"[{key}]"),
    KEY.map(lambda key: f"[[ {key} ]] # [x]"),
    st.sampled_from(["", "  # [a] = 'b'", "\t"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(LINE, max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_the_scanner_finds_the_keys_that_tomllib_reads(lines: list[str], line_break: str) -> None:
    kept: list[str] = []
    for line in lines:
        # A line that defines a key again is left out, so that most documents are long.
        try:
            tomllib.loads("\n".join([*kept, line]))
        except tomllib.TOMLDecodeError:
            continue
        kept.append(line)
    text = "".join(line + "\n" for line in kept).replace("\n", line_break)

    found = positions(text, tomllib.loads)

    assert set(found) == set(paths(tomllib.loads(text)))
    count = text.count("\n")
    assert all(1 <= line <= count for line in found.values())


@pytest.mark.parametrize("depth", [1, 50])
def test_nested_lists_have_the_lines_of_their_elements(depth: int) -> None:
    text = "key = " + "[\n" * depth + "1" + "\n]" * depth

    lines = positions(text, tomllib.loads)

    assert lines[("key", *[0] * depth)] == depth + 1
