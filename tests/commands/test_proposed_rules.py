from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.commands.proposed_rules import proposals
from pytest_golink.facts import BuildPath
from pytest_golink.rules.registry import RULES
from pytest_golink.text.toml import toml
from tests.rules.facts_factory import DYNAMIC, GLIBC_STATIC, MACHO, PE, PIE, STATIC, go, subject, target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


def held(*images: BinaryFacts) -> list[str]:
    return [one.line() for one in proposals([[subject(image) for image in images]]).held]


def broken(*images: BinaryFacts) -> dict[str, str]:
    return {one.rule.name: one.observed for one in proposals([[subject(image) for image in images]]).broken}


def test_the_strictest_linkage_that_holds_is_proposed() -> None:
    assert held(STATIC)[0] == "static = true"
    assert held(STATIC, MACHO)[0] == "self-contained = true"
    assert held(PE)[0] == "self-contained = true"
    assert held(DYNAMIC)[0] == f'needs-libc = {{ kind = "glibc", at-most = "{DYNAMIC.libc.floor}" }}'
    assert held(STATIC, DYNAMIC)[0] == f'glibc-at-most = "{DYNAMIC.libc.floor}"'


def test_a_libc_without_versions_is_pinned_by_its_kind() -> None:
    musl = replace(DYNAMIC, libc=replace(DYNAMIC.libc, kind="musl", floor=None))

    assert held(musl)[0] == 'needs-libc = { kind = "musl" }'


def test_glibc_floors_compare_by_number() -> None:
    old = replace(DYNAMIC, libc=replace(DYNAMIC.libc, floor="2.4"))
    new = replace(DYNAMIC, libc=replace(DYNAMIC.libc, floor="2.17"))

    assert held(old, new)[0] == 'needs-libc = { kind = "glibc", at-most = "2.17" }'


def test_what_does_not_hold_says_what_the_image_shows() -> None:
    wishes = broken(STATIC, DYNAMIC)

    assert wishes["static"].endswith(": dynamic")
    assert wishes["stripped"].endswith("(and 1 more): a symbol table and DWARF")
    assert "no-cgo" in broken(DYNAMIC)
    assert "static" not in broken(STATIC)


def test_a_dirty_checkout_is_never_promised_against() -> None:
    clean = replace(STATIC, go=go(CGO_ENABLED="0", GOOS="linux", GOARCH="amd64", vcs_modified="false"))

    assert broken(clean)["vcs-clean"] == "depends on the checkout"


def test_a_folder_of_this_machine_is_not_written_down() -> None:
    observed = broken(
        replace(STATIC, content=replace(STATIC.content, build_paths=(BuildPath(path="/home/me/app", where="pclntab"),)))
    )

    assert "/home/me" not in "".join(observed.values())


def test_a_binary_gets_what_it_alone_keeps() -> None:
    found = proposals([[subject(STATIC)], [subject(DYNAMIC)], [subject(PIE)]])

    own = [[one.rule.name for one in binary] for binary in found.own]
    assert "static" in own[0]
    # It is implied, and stands on the same ladder.
    assert "self-contained" not in own[0]
    assert own[1] == []
    assert "pie" in own[2]


def test_a_level_is_not_asked_of_an_architecture_that_has_no_name_for_it() -> None:
    leveled = replace(STATIC, go=go(CGO_ENABLED="0", GOOS="linux", GOARCH="amd64", GOAMD64="v1"))

    assert any(line.startswith("cpu-at-most") for line in held(leveled))
    assert not any(line.startswith("cpu-at-most") for line in held(replace(STATIC, target=target("linux/riscv64"))))


@pytest.mark.parametrize("image", [STATIC, DYNAMIC, GLIBC_STATIC, MACHO, PE, PIE])
def test_every_line_is_toml_that_its_rule_accepts(image: BinaryFacts) -> None:
    lines = held(image)

    assert len(lines) > 3
    for line in lines:
        ((name, value),) = tomllib.loads(line).items()
        assert RULES[name].accept(value) is not None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ('a"b\\c\n\x7f\x1b', '"a\\"b\\\\c\\n\\u007f\\u001b"'),
        ("\udc80", '"\N{REPLACEMENT CHARACTER}"'),
        (["a", "b"], '["a", "b"]'),
        (False, "false"),
    ],
)
def test_any_text_is_written_in_toml(value: object, text: str) -> None:
    assert toml(value) == text
    tomllib.loads(f"key = {text}")
