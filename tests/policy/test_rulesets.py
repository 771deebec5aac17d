"""Which rules a binary must keep: policies, what they extend, `rules`, overrides; and the lines that asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.policy.written import mistakes, policy_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.policy import RuleRequest


def lines(rules: tuple[RuleRequest, ...]) -> dict[str, int]:
    return {request.rule: request.place.line for request in rules}


def test_a_policy_starts_from_those_that_it_extends_and_the_last_word_counts(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        """\
[policy.base]
stripped = true
relro = "partial"
no-rpath = true
[policy.hard]
extends = "base"
relro = "full"
nx = true
[policy.soft]
extends = "base"
no-rpath = false
[policy.release]
extends = ["hard", "soft"]
static = true
[[binary]]
package = "./app"
policy = "release"
""",
    )

    (build,) = policy.binaries[0].builds
    # In the order of the rules page. `soft` is the later one, but it only inherits what `base` says of relro.
    assert list(lines(build.rules).items()) == [("static", 14), ("stripped", 2), ("nx", 8), ("relro", 7)]
    assert build.rules[3].parameters == {"level": "full"}
    assert str(build.rules[0].place) == "golink.toml:14"


DIAMOND = """\
[policy.base]
glibc-at-most = "2.34"
[policy.strict]
extends = "base"
glibc-at-most = "2.17"
[policy.hard]
extends = "base"
pie = true
[policy.other]
glibc-at-most = "2.28"
[policy.all]
extends = ["strict", "hard", "other"]
[[binary]]
package = "./app"
policy = "all"
[[binary]]
package = "./tool"
policy = {policies}
"""


@pytest.mark.parametrize(
    ("policies", "line"),
    [
        ("['strict', 'hard']", 5),
        ("['hard', 'strict']", 5),
        ("['strict', 'base']", 5),
        ("['base', 'hard']", 2),
        # Two that set the value themselves: the later one.
        ("['other', 'strict']", 5),
        ("['strict', 'other']", 10),
        ("['strict', 'other', 'hard']", 10),
    ],
)
def test_a_policy_s_own_value_wins_over_the_value_that_it_overrides(tmp_path: Path, policies: str, line: int) -> None:
    policy = policy_of(tmp_path, DIAMOND.replace("{policies}", policies))

    assert lines(policy.binaries[1].builds[0].rules)["glibc-at-most"] == line
    assert lines(policy.binaries[0].builds[0].rules) == {"glibc-at-most": 10, "pie": 8}


def test_a_binary_names_several_policies_and_adds_rules_of_its_own(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        """\
[policy.one]
static = true
max-size = "20 MB"
[policy.two]
static = false
nx = true
[[binary]]
package = "./app"
policy = ["one", "two"]
[binary.rules]
max-size = 1000
needs-libc.kind = "glibc"
needs-libc.at-most = "2.17"
""",
    )

    (build,) = policy.binaries[0].builds
    assert lines(build.rules) == {"needs-libc": 12, "nx": 6, "max-size": 11}
    assert build.rules[0].parameters == {"kind": "glibc", "at-most": "2.17"}
    assert policy.binaries[0].rules_for(None) == build.rules


def test_overrides_change_rules_and_build_options_of_the_targets_that_they_match(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        """\
[[binary]]
package = "./app"
targets = ["linux/amd64", "linux/arm64", "windows/amd64"]
cgo = false
ldflags = "-s -w"
rules = { static = true }
[[binary.override]]
targets = ["*/amd64"]
cgo = true
rules = { nx = true }
[[binary.override]]
targets = ["windows/*"]
cc = "zig cc"
ldflags = ""
rules = { static = false, nx = { }, signed = true }
""",
    )

    binary = policy.binaries[0]
    assert [(build.target, build.options.target) for build in binary.builds] == [
        ("linux/amd64", "linux/amd64"),
        ("linux/arm64", "linux/arm64"),
        ("windows/amd64", "windows/amd64"),
    ]
    assert [(b.options.cgo, b.options.cc, b.options.ldflags) for b in binary.builds] == [
        (True, None, "-s -w"),
        (False, None, "-s -w"),
        (True, "zig cc", ""),
    ]
    assert lines(binary.rules_for("linux/amd64")) == {"static": 6, "nx": 10}
    assert lines(binary.rules_for("linux/arm64")) == {"static": 6}
    assert lines(binary.rules_for("windows/amd64")) == {"nx": 15, "signed": 15}
    assert binary.rules_for("plan9/386") == ()
    assert lines(binary.rules) == {"static": 6}


def test_overrides_of_files_apply_by_the_target_that_was_read(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        """\
[[binary]]
path = "dist/*/app"
rules = { static = true }
[[binary.override]]
targets = ["darwin/*", "windows/*"]
rules = { static = false, self-contained = true }
""",
    )

    binary = policy.binaries[0]
    assert binary.builds == ()
    assert lines(binary.rules_for("linux/amd64")) == {"static": 3}
    assert lines(binary.rules_for(None)) == {"static": 3}
    assert lines(binary.rules_for("darwin/arm64")) == {"self-contained": 6}
    assert str(binary.overrides[0].place) == "golink.toml:4"


def test_policies_that_extend_each_other_in_a_circle_are_told(tmp_path: Path) -> None:
    assert mistakes(
        tmp_path,
        """\
[policy.a]
extends = "b"
[policy.b]
extends = ["c"]
static = true
[policy.c]
extends = [
  "a",
]
[policy.self]
extends = "self"
[[binary]]
package = "./app"
policy = ["a", "self"]
""",
    ) == [
        'golink.toml:8: policy "a" extends itself: a → b → c → a',
        'golink.toml:11: policy "self" extends itself: self → self',
    ]


def test_a_policy_that_no_binary_uses_is_told_and_so_is_one_that_only_such_a_policy_extends(tmp_path: Path) -> None:
    assert mistakes(
        tmp_path,
        """\
[policy.base]
nx = true
[policy.old]
extends = "base"
[policy.used]
extends = "ground"
[policy.ground]
static = true
[[binary]]
package = "./app"
policy = "used"
""",
    ) == ['golink.toml:1: no binary uses the policy "base"', 'golink.toml:3: no binary uses the policy "old"']


def test_a_misspelt_policy_is_one_mistake_and_not_two(tmp_path: Path) -> None:
    assert mistakes(
        tmp_path,
        """\
[policy.release]
extends = "bse"
static = true
[policy.base]
nx = true
[[binary]]
package = "./app"
policy = "relase"
""",
    ) == [
        'golink.toml:2: unknown policy "bse"; did you mean "base"?',
        'golink.toml:8: unknown policy "relase"; did you mean "release"?',
    ]


def test_a_binary_without_rules_is_told(tmp_path: Path) -> None:
    hint = "give it a policy, or rules"
    assert mistakes(
        tmp_path,
        """\
[policy.off]
static = false
[[binary]]
package = "./app"
policy = "off"
[[binary]]
path = "dist/*"
[[binary]]
name = "released"
goreleaser = "dist"
[[binary.override]]
targets = ["linux/*"]
rules = { static = true }
""",
    ) == [
        f'golink.toml:3: "app" has no rules: {hint} = {{ static = true }}',
        f'golink.toml:6: "dist/*" has no rules: {hint}',
        'golink.toml:8: "released" has no rules but in its overrides, so that a file of another target would go '
        f"unchecked: {hint}",
    ]


def test_more_policies_than_anyone_has_are_not_followed(tmp_path: Path) -> None:
    chain = "".join(f"[policy.p{number}]\nextends = 'p{number + 1}'\n" for number in range(250))

    assert mistakes(tmp_path, f"{chain}[[binary]]\npackage = './app'\npolicy = 'p0'\n") == [
        "golink.toml:1: 250 policies; at most 200 are read"
    ]


def test_the_longest_chain_of_policies_is_followed(tmp_path: Path) -> None:
    chain = "".join(f"[policy.p{number}]\nextends = 'p{number + 1}'\n" for number in range(199))
    text = f"{chain}[policy.p199]\nstatic = true\n[[binary]]\npackage = './app'\npolicy = 'p0'\n"

    assert lines(policy_of(tmp_path, text).binaries[0].rules) == {"static": 400}


def test_a_rule_about_platforms_can_be_switched_off(tmp_path: Path) -> None:
    policy = policy_of(
        tmp_path,
        """\
[policy.release]
static = true
runs-on = ["scratch"]
[[binary]]
package = "./app"
policy = "release"
rules = { runs-on = false }
""",
    )

    assert list(lines(policy.binaries[0].builds[0].rules)) == ["static"]
