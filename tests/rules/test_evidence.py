"""Globs of libraries follow the loader: a name with a slash is a path."""

from __future__ import annotations

import pytest

from pytest_golink.rules.evidence import matching_libraries
from tests.rules.facts_factory import DYNAMIC, MACHO, PE


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("libc.so*", "libc.so.6", True),
        ("lib*.so*", "libx/../../tmp/evil.so", False),
        ("lib*.so*", "lib/evil.so", False),
        ("*", "/srv/evil.so", False),
        ("**", "libc.so.6", True),
        ("/opt/*/lib?.so", "/opt/a/libx.so", True),
        ("/opt/*/lib?.so", "/opt/a/b/libx.so", False),
        ("/opt/**/lib?.so", "/opt/a/b/libx.so", True),
        ("/opt/**", "/opt/../tmp/evil.so", False),
        ("/opt/../lib/libx.so", "/opt/../lib/libx.so", True),
        ("LIBC.so.6", "libc.so.6", False),
    ],
)
def test_a_star_stays_within_one_element_of_a_path(glob: str, name: str, expected: bool) -> None:
    assert matching_libraries(DYNAMIC, [name], [glob]) == ([name] if expected else [])


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("/usr/lib/*", "/usr/lib/libSystem.B.dylib", True),
        ("/usr/lib/*", "/usr/lib/swift/libswiftCore.dylib", False),
        ("/System/**", "/System/Library/Frameworks/Security.framework/Versions/A/Security", True),
        ("libSystem*", "/usr/lib/libSystem.B.dylib", False),
        ("@rpath/*", "@rpath/libx.dylib", True),
    ],
)
def test_an_install_name_is_a_path_whole(glob: str, name: str, expected: bool) -> None:
    assert matching_libraries(MACHO, [name], [glob]) == ([name] if expected else [])


def test_the_dlls_of_windows_have_no_case() -> None:
    assert matching_libraries(PE, ["KERNEL32.dll"], ["kernel32.DLL"]) == ["KERNEL32.dll"]


@pytest.mark.parametrize(
    ("glob", "name", "expected"),
    [
        ("*.dll", "C:\\evil\\kernel32.dll", False),
        ("*.dll", "..\\evil.dll", False),
        ("*.dll", "c:evil.dll", False),
        ("*.dll", "../evil.dll", False),
        ("**", "..\\evil.dll", False),
        ("plugins\\*.DLL", "Plugins\\a.dll", True),
        ("plugins/*.dll", "plugins\\a.dll", True),
    ],
)
def test_on_windows_a_backslash_and_a_drive_make_a_path_too(glob: str, name: str, expected: bool) -> None:
    assert matching_libraries(PE, [name], [glob]) == ([name] if expected else [])
    # Elsewhere they are letters.
    assert matching_libraries(DYNAMIC, ["lib\\x:y.so"], ["lib*.so"]) == ["lib\\x:y.so"]
