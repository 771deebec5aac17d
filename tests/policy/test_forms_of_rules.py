"""Every form of every rule, as docs/rules.md and the schema have it, from golink.toml to the rule's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.rules import RULES, check, evaluate_together
from pytest_golink.rules.subject import Subject
from tests.policy.written import mistakes, policy_of
from tests.rules.facts_factory import STATIC

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.rules import Rule

# A value for each parameter, in each of the forms that its rule takes.
VALUES: dict[str, list[str]] = {
    "allow": ['["race"]', '"race"'],
    "args": ['["--version"]', '"--version"'],
    "at-least": ['"1.18"'],
    "at-most": ['"2.17"'],
    "by": ['"ad-hoc"'],
    "bytes": ["16384"],
    "fresh-cache": ["true"],
    "keeps-running": ["true"],
    "kind": ['"{first}"'],
    "level": ['"{first}"'],
    "libraries": ['["libc.so.6"]', '"libc.so.6"'],
    "mode": ['"{first}"'],
    "module": ['"v1.0.0"'],
    "modules": ['["example.com/*"]', '"example.com/*"'],
    "output": ['"ok"'],
    "packages": ['["net"]', '"net"'],
    "path": ['"/lib64/ld-linux-x86-64.so.2"'],
    "platforms": ['["alpine"]', '"alpine"'],
    "run": ["true", "false"],
    "seconds": ["5"],
    "settings": ['{ CGO_ENABLED = "1", GOAMD64 = "" }'],
    "size": ['"20 MB"', "20000000"],
    "status": ["0"],
    "symbols": ['["getaddrinfo"]', '"getaddrinfo"'],
    "targets": ['["linux/amd64"]', '"linux/amd64"'],
    "version": ['"2.17"'],
}


# Rules whose parameters may each be left out, but not all of them.
ONE_AT_LEAST = {"go-version"}
OF_A_RULE = {
    "cpu-at-most": ['"v2"'],
    "launches-on-macos": ['"14.0"'],
    "go-version": ['"1.22"'],
    "os-at-most": ['"11.0"'],
    "kernel-at-most": ['"3.2"'],
}


def values(rule: Rule, name: str) -> list[str]:
    parameter = next(parameter for parameter in rule.parameters if parameter.name == name)
    found = [value.replace("{first}", (parameter.form.choices or ("v2",))[0]) for value in VALUES[name]]
    if rule.name in OF_A_RULE:
        return OF_A_RULE[rule.name]
    return found if parameter.form.accepts("race") or name != "allow" else ['["x"]', '"x"']


def forms(rule: Rule) -> list[str]:
    required = {parameter.name: values(rule, parameter.name)[0] for parameter in rule.parameters if parameter.required}
    if not rule.parameters:
        return ["true", "{ }"]
    found = [] if required or rule.name in ONE_AT_LEAST else ["true", "{ }"]
    for parameter in rule.parameters:
        if parameter.table:
            found += values(rule, parameter.name)
            continue
        for value in values(rule, parameter.name):
            # A plain false switches the rule off.
            if (len(rule.parameters) == 1 and value != "false") or (
                rule.plain_list is parameter and value.startswith("[")
            ):
                found.append(value)
            entries = {**required, parameter.name: value}
            if rule.name == "fips" and parameter.name in ("module", "mode"):
                entries["kind"] = '"go"'
            found.append(f"{{ {', '.join(f'{key} = {entry}' for key, entry in entries.items())} }}")
    return found


CASES = [(name, form) for name, rule in RULES.items() for form in forms(rule)]


@pytest.mark.parametrize(("rule", "form"), CASES, ids=[f"{rule} = {form}" for rule, form in CASES])
def test_a_form_that_is_documented_reaches_its_rule(tmp_path: Path, rule: str, form: str) -> None:
    policy = policy_of(tmp_path, f'[[binary]]\nname = "app"\npackage = "."\nrules = {{ {rule} = {form} }}\n')
    [request] = policy.binaries[0].rules_for(None)

    subject = Subject(name="app", facts=STATIC, link_warnings=())
    if RULES[rule].scope == "binary":
        finding = evaluate_together(rule, (subject,), request.parameters)
    else:
        finding = check(rule, subject, request.parameters)

    assert finding.rule == rule
    assert finding.parameters == tuple(request.parameters.items())


def test_a_plain_value_for_a_rule_with_several_parameters_is_shown_as_a_table(tmp_path: Path) -> None:
    def message(rules: str) -> str:
        [text] = mistakes(tmp_path, f'[[binary]]\nname = "app"\npackage = "."\nrules = {{ {rules} }}\n')
        return text.rpartition("; ")[2]

    assert message('fips = "boringcrypto"') == 'write fips = { kind = "boringcrypto" }'
    assert message('needs-libc = "glibc"') == 'write needs-libc = { kind = "glibc" }'
    assert message('go-version = "1.22"') == 'write go-version = { at-least = "1.22" }'
    assert "write" not in message('fips = "openssh"')
    assert "write" not in message("fips = 1.5")
