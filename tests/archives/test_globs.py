from __future__ import annotations

import pytest

from pytest_golink.archives.globs import components, matches, split_reach


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("dist/app", ("dist/app",)),
        ("dist/*.tar.gz!**/app", ("dist/*.tar.gz", "**/app")),
        ("a.whl!b.deb!usr/bin/app", ("a.whl", "b.deb", "usr/bin/app")),
        ("dist/[!a]*.zip!bin/[!b]pp", ("dist/[!a]*.zip", "bin/[!b]pp")),
    ],
)
def test_an_exclamation_mark_reaches_into_an_archive_but_negates_in_a_set(pattern: str, parts: tuple[str, ...]) -> None:
    assert split_reach(pattern) == parts


@pytest.mark.parametrize(
    ("glob", "name", "answer"),
    [
        ("app", "app", True),
        ("app", "bin/app", False),
        ("*", "bin/app", False),
        ("bin/*", "bin/app", True),
        ("**/app", "app", True),
        ("**/app", "usr/local/bin/app", True),
        ("usr/**/app", "usr/app", True),
        ("usr/**", "usr/local/bin/app", True),
        ("**", ".hidden", True),
        ("**/**/app", "a/b/app", True),
        ("**/bin/*", "usr/bin/app", True),
        ("**/bin/*", "usr/lib/app", False),
        ("**/bin/app", "app", False),
        ("usr/**/bin/**/app", "usr/bin/app", True),
        ("usr/**/bin/**/app", "usr/app", False),
        ("a/**/a", "a", False),
        ("./bin//app", "bin/app", True),
        ("a?p", "app", True),
        ("a?p", "a/p", False),
        ("[!a]pp", "bpp", True),
        ("[!a]pp", "app", False),
        ("[[]a", "[a", True),
        ("App", "app", False),
        # Without a bound on the work, this one would not end.
        ("**/a/" * 12 + "b", "a/" * 40 + "a", False),
    ],
)
def test_a_star_stays_in_one_part_and_two_take_any_number(glob: str, name: str, answer: bool) -> None:
    assert matches(components(glob), tuple(name.split("/"))) is answer


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("a/**/b/**/c", "a/x/b/y/c", True),
        ("a/**/b/**/c", "a/x/y/c", False),
        ("**/b/**", "a/c", False),
        ("a/**", "a/b/c", True),
        ("a/**/c", "a", False),
        ("a/b", "a", False),
        ("x/**/c", "a/c", False),
    ],
)
def test_what_stands_between_two_stars_is_found_anywhere(glob: str, name: str, expected: bool) -> None:
    assert matches(components(glob), tuple(name.split("/"))) is expected
