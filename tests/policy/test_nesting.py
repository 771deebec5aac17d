"""How deep a TOML text may go is decided before it is parsed."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_golink.policy.nesting import MOST_DEPTH, too_deep
from tests.policy.written import mistakes

if TYPE_CHECKING:
    from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEEP = "golink.toml:2: not a policy: tables or lists are nested too deeply"


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 20_000) + " = 1",
        " . ".join(['"a"', "'b'"] * 10_000) + " = 1",
        "[" + ".".join(["a"] * 20_000) + "]",
        "a = " + "[" * 100_000,
        "a = " + "{ a = " * 100_000,
        "a.b.c = " + "{ a.b.c.d.e = " * 3 + "1" + "}" * 3,
        # Neither a string nor a comment before it hides it.
        'a = \'"\' # """\n' + ".".join(["a"] * 17) + " = 1",
    ],
)
def test_a_text_that_nests_too_deeply_is_refused_at_its_line(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, f"\n{text}\n") == [DEEP.replace(":2:", f":{2 + text.count(chr(10))}:")]


@pytest.mark.parametrize(
    "text",
    [
        f"a = '{'a.' * 100}'",
        f'a = """\n{"[" * 100}\n"""',
        f"a = '''{{{{'{'[' * 100}'''",
        f"# {'a.' * 100}b = [[[[[[[[[[[[[[[[[[[[[[",
        "[[a.b.c]]\n" * 100,
        "a = [" + "[1, 2.5], " * 100 + "]",
        "a = { b = { c = [1] } }\n" * 100,
        # A plain value counts as one.
        ".".join(["a"] * (MOST_DEPTH - 1)) + " = 1",
        "]" * 100 + "a.b = 1",
    ],
)
def test_what_is_wide_or_inside_of_a_string_is_not_deep(text: str) -> None:
    assert too_deep(text) is None


KEY = st.sampled_from(["a", "'a'", '"a"', "a . 'b'", "a.b.c"])
TREE = st.recursive(st.just("1"), lambda inner: st.tuples(KEY, inner) | st.lists(inner, max_size=2), max_leaves=30)


def text_of(tree: object) -> str:
    if isinstance(tree, tuple):
        return f"{{ {tree[0]} = {text_of(tree[1])} }}"
    return f"[{', '.join(map(text_of, tree))}]" if isinstance(tree, list) else str(tree)


def depth(value: object) -> int:
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if entries is None else 1 + max(map(depth, entries), default=0)


@settings(deadline=None, max_examples=60)
@given(TREE)
def test_no_text_that_is_accepted_parses_to_more_than_twice_the_depth(tree: object) -> None:
    text = f"[{'.'.join(['t'] * 10)}]\nx = {text_of(tree)}\n"

    if too_deep(text) is None:
        assert depth(tomllib.loads(text)) <= 2 * MOST_DEPTH + 1


# The worst that fits into a mebibyte: many entries at the largest depth. Reading it took 1.2 GiB without a bound on the
# sum of lists and keys.
_READ = """
import sys
from pytest_golink.errors import PolicyError
from pytest_golink.policy import read_policy
try:
    read_policy(sys.argv[1])
except PolicyError as error:
    # Not ru_maxrss, which starts with what the parent had.
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    print(peak.split()[1], error.errors[0][1])
"""
_MOST_KIB = 512 * 1024


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 500_000) + " = 1\n",
        f"[{'.'.join(['a'] * 16)}]\nb = {'[' * 14}{'1,' * 500_000}{']' * 14}\n",
    ],
)
def test_no_file_takes_more_memory_than_its_size_explains(tmp_path: Path, text: str) -> None:
    path = tmp_path / "golink.toml"
    path.write_text(text, encoding="utf-8")

    done = subprocess.run([sys.executable, "-c", _READ, str(path)], capture_output=True, text=True, check=True)

    assert int(done.stdout.split()[0]) < _MOST_KIB
