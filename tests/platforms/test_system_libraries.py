"""What an image needs beyond what every installation of its system has."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.platforms.system_libraries import names_outside_system
from tests.rules.facts_factory import DYNAMIC, MACHO, needed


def test_libraries_and_the_interpreter_are_named_in_the_image_s_order() -> None:
    image = replace(MACHO, interpreter="/opt/dyld", needed=needed("/opt/b.dylib", "/usr/lib/libSystem.B.dylib"))

    assert names_outside_system(image) == ["/opt/b.dylib", "/opt/dyld"]
    assert names_outside_system(MACHO) == []


def test_an_image_without_a_target_has_no_system_to_compare_with() -> None:
    assert names_outside_system(replace(DYNAMIC, target=None)) == []
