"""Go's versions: the release that a version is of."""

from __future__ import annotations

import pytest

from pytest_golink.golang.paths import is_standard
from pytest_golink.golang.versions import release_of


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("go1.27.3", (27, 3)),
        ("go1.27", (27, 0)),
        ("go1.22rc1", (22, 0)),
        ("go1.24.4 (Red Hat 1.24.4-2.el10)", (24, 4)),
        ("devel go1.28-3f4a2b1 Mon Nov 30", (28, 0)),
        ("devel +3f4a2b1", None),
        ("go2.0", None),
        ("unknown", None),
        ("", None),
        (None, None),
    ],
)
def test_the_release_of_a_version(version: str | None, release: tuple[int, int] | None) -> None:
    assert release_of(version) == release


@pytest.mark.parametrize(
    ("package", "standard"),
    [
        ("net/http", True),
        ("vendor/golang.org/x/net/dns", True),
        ("main", False),
        ("gopkg.in/yaml", False),
        ("example.com/app", False),
    ],
)
def test_a_dot_in_the_first_element_is_not_the_standard_library_s(package: str, standard: bool) -> None:
    assert is_standard(package) is standard
