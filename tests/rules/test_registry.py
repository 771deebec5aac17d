"""The registry: names, parameters read off signatures, and what wrong ones are told."""

from __future__ import annotations

import re

import pytest

from pytest_golink import assertions
from pytest_golink.errors import GolinkError, ParameterError
from pytest_golink.rules import RULES, evaluate, rule_named
from pytest_golink.rules.parameters import parameters_of
from tests.rules.facts_factory import DYNAMIC, STATIC, subject


def test_the_rules_stand_in_the_order_of_their_documentation_under_their_permanent_names() -> None:
    assert list(RULES) == [
        "static",
        "dynamic",
        "self-contained",
        "needs-libc",
        "no-libc",
        "glibc-at-most",
        "needs",
        "only-needs",
        "interpreter",
        "no-interpreter",
        "no-rpath",
        "imports",
        "no-imports",
        "exports",
        "only-exports",
        "no-getaddrinfo-warning",
        "no-link-warnings",
        "no-cgo",
        "only-cgo-packages",
        "linkmode",
        "resolver",
        "user-lookup",
        "no-dynamic-imports",
        "stripped",
        "not-stripped",
        "no-dwarf",
        "no-build-paths",
        "no-instrumentation",
        "intact",
        "claims-hold",
        "go-version",
        "build-setting",
        "no-modules",
        "vcs-clean",
        "fips",
        "hardened-runtime",
        "pie",
        "nx",
        "relro",
        "no-writable-code",
        "signed",
        "target",
        "page-alignment",
        "max-size",
        "cpu-at-most",
        "os-at-most",
        "launches-on-macos",
        "kernel-at-most",
        "runs-on",
        "same-linkage",
        "subsystem",
        "starts-alone",
        "ignores-preload",
        "reproducible",
    ]


def test_every_rule_has_its_helper_and_a_summary() -> None:
    for name, rule in RULES.items():
        helper = getattr(assertions, "assert_" + name.replace("-", "_"))
        assert helper.__doc__.strip().startswith(rule.summary)
        assert rule.name == name
        assert rule.summary.endswith(".")
    assert [rule.name for rule in RULES.values() if rule.group == "hardening"] == [
        "hardened-runtime",
        "pie",
        "nx",
        "relro",
        "no-writable-code",
        "signed",
    ]


def test_parameters_come_from_the_signature_with_hyphens() -> None:
    kind, at_most = RULES["needs-libc"].parameters

    assert (kind.name, kind.required, kind.many) == ("kind", False, False)
    assert kind.accepted == "one of glibc, musl, bionic, libSystem, bsd, solaris, aix, ucrt, msvcrt"
    assert (at_most.name, at_most.keyword, at_most.accepted) == ("at-most", "at_most", 'a version such as "2.17"')
    (libraries,) = RULES["only-needs"].parameters
    assert libraries.accepted == "a list, each a name or a glob"
    (symbols,) = RULES["imports"].parameters
    assert symbols.accepted == "a list of at least one: a name or a glob"


def test_a_parameter_of_truth_or_plain_text_is_taken_as_well() -> None:
    def check(*, run: bool = False, note: str = "") -> None: ...

    check.__annotations__.update(run=bool, note=str)
    run, note = parameters_of(check)

    assert run.value("rule", True) is True
    assert note.value("rule", "text") == "text"
    with pytest.raises(ParameterError, match=r"^rule: run: 'yes' is not true or false$"):
        run.value("rule", "yes")
    with pytest.raises(ParameterError, match=r"^rule: note: '' is not a string$"):
        note.value("rule", "")


@pytest.mark.parametrize(
    ("rule", "parameters", "message"),
    [
        ("statik", {}, 'unknown rule "statik"; did you mean "static"?'),
        ("no_cgo", {}, 'unknown rule "no_cgo"; did you mean "no-cgo"?'),
        ("qqq", {}, 'unknown rule "qqq"'),
        ("static", {"strict": True}, 'static: unknown parameter "strict"; accepted: true or false'),
        (
            "needs-libc",
            {"at_most": "2.17"},
            'needs-libc: unknown parameter "at_most"; did you mean "at-most"?; accepted: kind = one of glibc, musl, '
            'bionic, libSystem, bsd, solaris, aix, ucrt, msvcrt; at-most = a version such as "2.17"',
        ),
        (
            "needs-libc",
            {"kind": "libsystem"},
            "needs-libc: kind: 'libsystem' is not one of glibc, musl, bionic, libSystem, bsd, solaris, aix, ucrt, "
            'msvcrt; did you mean "libSystem"?',
        ),
        (
            "needs-libc",
            {"kind": "musl", "at-most": "2.17"},
            "needs-libc: at-most is a version of glibc; musl has no floor",
        ),
        ("glibc-at-most", {}, 'glibc-at-most: version is missing: a version such as "2.17"'),
        ("glibc-at-most", {"version": 2.17}, 'glibc-at-most: version: 2.17 is not a version such as "2.17"'),
        (
            "glibc-at-most",
            {"version": "GLIBC_2.17"},
            "glibc-at-most: version: 'GLIBC_2.17' is not a version such as \"2.17\"",
        ),
        ("needs", {"libraries": []}, "needs: libraries: [] is not a list of at least one: a name or a glob"),
        ("needs", {"libraries": 7}, "needs: libraries: 7 is not a list of at least one: a name or a glob"),
        (
            "needs",
            {"libraries": {"a": 1}},
            "needs: libraries: {'a': 1} is not a list of at least one: a name or a glob",
        ),
        ("needs", {"libraries": b"libc"}, "needs: libraries: b'libc' is not a list of at least one: a name or a glob"),
        ("needs", {"libraries": [""]}, "needs: libraries: '' is not a name or a glob"),
        (
            "no-link-warnings",
            {"allow": ["("]},
            "no-link-warnings: allow: '(' is not a regular expression",
        ),
        (
            "linkmode",
            {"mode": "extern"},
            "linkmode: mode: 'extern' is not one of internal, external; did you mean \"external\"?",
        ),
        ("linkmode", {"mode": None}, "linkmode: mode: None is not one of internal, external"),
        (
            "resolver",
            {"kind": "cgo,systm"},
            "resolver: kind: 'systm' is not one of cgo, go, system, windows, none; did you mean \"system\"?",
        ),
        (
            "resolver",
            {"kind": ["none", "go"]},
            "resolver: none excludes the other kinds: an image with a resolver has another kind",
        ),
        (
            "target",
            {"targets": ["macos/aarch64"]},
            "target: targets: 'macos/aarch64' is not GOOS/GOARCH in Go's words, such as "
            '"linux/amd64"; did you mean "darwin/arm64"?',
        ),
        (
            "target",
            {"targets": "linux"},
            "target: targets: 'linux' is not GOOS/GOARCH in Go's words, such as \"linux/amd64\"",
        ),
    ],
)
def test_a_wrong_rule_parameter_or_value_is_told_the_accepted_form(
    rule: str, parameters: dict[str, object], message: str
) -> None:
    with pytest.raises(ParameterError) as raised:
        evaluate(rule, subject(DYNAMIC), parameters)

    assert str(raised.value) == message
    assert isinstance(raised.value, GolinkError)


def test_a_policy_s_value_stands_for_the_one_parameter() -> None:
    assert rule_named("static").accept(True) == {}
    assert rule_named("static").accept(False) is None
    assert rule_named("needs-libc").accept(True) == {}
    assert rule_named("needs-libc").accept({"kind": "musl"}) == {"kind": "musl"}
    assert rule_named("linkmode").accept("internal") == {"mode": "internal"}
    assert rule_named("needs").accept(["libc.so.6"]) == {"libraries": ("libc.so.6",)}
    assert rule_named("needs").accept("libc.so.6") == {"libraries": ("libc.so.6",)}
    assert rule_named("resolver").accept("go, cgo") == {"kind": ("go", "cgo")}
    assert rule_named("target").accept(frozenset({"linux/*", "darwin/*"})) == {"targets": ("darwin/*", "linux/*")}
    with pytest.raises(ParameterError, match=r"^static: 'yes' is not true or false$"):
        rule_named("static").accept("yes")
    with pytest.raises(ParameterError, match=r"^needs-libc: 'glibc' is not kind = one of glibc, musl"):
        rule_named("needs-libc").accept("glibc")
    with pytest.raises(
        ParameterError, match=r"^needs: libraries is missing: a list of at least one: a name or a glob$"
    ):
        rule_named("needs").accept(True)


def test_a_finding_names_the_image_and_what_was_asked() -> None:
    finding = evaluate("needs-libc", subject(DYNAMIC), {"at-most": "2.34", "kind": "glibc"})

    assert (finding.rule, finding.outcome, finding.fails) == ("needs-libc", "passed", False)
    assert (finding.image, finding.target, finding.path) == ("app", "linux/amd64", "build/app")
    assert finding.parameters == (("kind", "glibc"), ("at-most", "2.34"))
    assert evaluate("resolver", subject(STATIC), {"kind": "go,cgo"}).parameters == (("kind", ("go", "cgo")),)
    assert evaluate("static", subject(STATIC, target=None), {}).target is None


@pytest.mark.parametrize("name", RULES)
def test_each_rule_says_what_mends_it(name: str) -> None:
    rule = RULES[name]

    if rule.remedies is None:
        assert rule.mending == rule.no_remedies != ""
    else:
        assert re.fullmatch(r"a violation shows (what|the|that|how) .*\.", rule.mending)
        assert "words" not in rule.mending
