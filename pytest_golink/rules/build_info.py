"""Rules about what the build info says: version, settings, modules, revision."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

from fnmatch import fnmatchcase
from typing import Annotated

from pytest_golink.diagnosis.build_info import why_module, why_not_clean
from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.errors import ParameterError
from pytest_golink.facts import BinaryFacts, Module
from pytest_golink.golang.versions import RELEASED, version_key
from pytest_golink.remedies.build_info import build_from_commit, change_settings, leave_module, take_other_go
from pytest_golink.rules.parameters import GoVersion, Name, NonEmpty, Settings
from pytest_golink.rules.proposal import Proposal
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict, undecidable
from pytest_golink.text.words import listed


@rule(
    "go-version",
    group="content",
    page=(
        'by Go\'s own order: 1.22rc1, 1.22.0, 1.22.1; "at most 1.22" takes every 1.22.x; what a vendor puts '
        "behind does not count; a development version is undecidable"
    ),
    remedies=take_other_go,
)
def go_version(subject: Subject, *, at_least: GoVersion | None = None, at_most: GoVersion | None = None) -> Verdict:
    """Go version is between these, in Go's own order: go1.22rc1, go1.22.0, go1.22.1."""
    facts = subject.facts
    if at_least is None and at_most is None:
        raise ParameterError("go-version: at-least or at-most must be there")
    expected = " and ".join(
        f"Go {word} {_plain(limit)}" for word, limit in (("at least", at_least), ("at most", at_most)) if limit
    )
    version = facts.go.version if facts.go else None
    if version is None:
        return undecidable(facts, expected)
    evidence = (f"build info: {version}",)
    key = version_key(version)
    if key is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"{version} is not a release",
            evidence=evidence,
            remedy=("build with a release of Go",),
        )
    low, high = version_key(at_least or ""), version_key(at_most or "")
    if high is not None and high[2] == -1:
        # "at most 1.22" means every go1.22.x: the language version itself is no toolchain's.
        high = (high[0], high[1], RELEASED + 1, 0)
    held = (low is None or key >= low) and (high is None or key <= high)
    return Verdict(outcome="passed" if held else "violated", expected=expected, observed=version, evidence=evidence)


def _plain(version: str) -> str:
    return version.removeprefix("go")


@rule(
    "build-setting",
    group="content",
    page=(
        "each build setting has that value. In a policy the rule's table holds the settings themselves: "
        '`build-setting = { CGO_ENABLED = "0" }`; "" is a setting that is not recorded'
    ),
    remedies=change_settings,
)
def build_setting(subject: Subject, *, settings: Settings) -> Verdict:
    """Each of these build settings has the value given for it."""
    facts = subject.facts
    wanted = {key: value for key, _, value in (setting.partition("=") for setting in settings)}
    expected = listed([f"{key}={value}" for key, value in wanted.items()])
    if facts.go is None or not facts.go.settings:
        # Go records settings since 1.18.
        return undecidable(facts, expected)
    recorded = facts.go.settings
    hidden = [key for key in wanted if key not in recorded and _left_out(facts, key)]
    # A setting that is not recorded has no value, unless -trimpath left it out.
    wrong = [key for key, value in wanted.items() if recorded.get(key, "") != value or key in hidden]
    seen = {key: f"{key}={recorded[key]}" for key in wanted if key in recorded}
    evidence = tuple(f"build setting {seen[key]}" if key in seen else f"no build setting {key}" for key in wanted)
    if not wrong:
        return Verdict(outcome="passed", expected=expected, observed="as recorded in the build info", evidence=evidence)
    if wrong == hidden:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed=f"{listed(hidden)} is not recorded",
            evidence=evidence,
            cause=("-trimpath leaves -ldflags and the C compiler's flags out of the build info (golang/go#52372)",),
            remedy=("check what the flag does: stripped, linkmode, static, …",),
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed=listed([seen.get(key, f"no {key}") for key in wrong]),
        evidence=evidence,
        details={key: wanted[key] for key in wrong},
    )


_LEFT_OUT = frozenset({"-ldflags", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_CXXFLAGS", "CGO_FFLAGS", "CGO_LDFLAGS"})


def _left_out(facts: BinaryFacts, key: str) -> bool:
    return facts.go is not None and key in _LEFT_OUT and facts.go.settings.get("-trimpath") == "true"


@rule(
    "no-modules",
    group="content",
    page=(
        "none of these modules (globs, `path` or `path@version`) is in the build info; a replaced module "
        "counts by both paths"
    ),
    concerns={Concern.MODULES},
    causes=why_module,
    remedies=leave_module,
)
def no_modules(subject: Subject, *, modules: Annotated[tuple[Name, ...], NonEmpty]) -> Verdict:
    """
    None of these modules (globs, `path@version`) is in the build info.

    A glob without "@" means every version. A module that another one replaces counts by both paths.
    """
    facts = subject.facts
    expected = f"no module {listed(modules)}"
    go = facts.go
    if go is None or go.version is None or (go.module is None and not go.modules and go.path is None):
        return undecidable(facts, expected)
    found = [
        " => ".join(_names(module))
        for module in (*((go.module,) if go.module else ()), *go.modules)
        if any(_is(name, glob) for name in _names(module) for glob in modules)
    ]
    return Verdict(
        outcome="violated" if found else "passed",
        expected=expected,
        observed=listed(found) if found else f"none of {len(go.modules) + bool(go.module)} modules",
        evidence=tuple(f"build info: module {name}" for name in found[:12]),
    )


def _names(module: Module) -> tuple[str, ...]:
    own = f"{module.path}@{module.version}"
    return (own, f"{module.replace.path}@{module.replace.version}") if module.replace else (own,)


def _is(name: str, glob: str) -> bool:
    return fnmatchcase(name if "@" in glob else name.rpartition("@")[0], glob)


@rule(
    "vcs-clean",
    group="content",
    page="`vcs.modified` is false and a revision is recorded",
    causes=why_not_clean,
    remedies=build_from_commit,
    propose=Proposal(
        why="Built from a commit, without local changes.",
        needs="a clean checkout: for a release, not for a developer's machine",
        observed="depends on the checkout",
        of_a_release=True,
    ),
)
def vcs_clean(subject: Subject) -> Verdict:
    """In the build info vcs.modified is false and a revision is recorded."""
    facts = subject.facts
    expected = "a recorded revision, vcs.modified=false"
    if facts.go is None or facts.go.version is None:
        return undecidable(facts, expected)
    settings = facts.go.settings
    revision, modified = settings.get("vcs.revision"), settings.get("vcs.modified")
    evidence = tuple(f"build setting {key}={value}" for key, value in settings.items() if key.startswith("vcs"))
    if revision and modified == "false":
        return Verdict(outcome="passed", expected=expected, observed=revision, evidence=evidence)
    if revision and modified == "true":
        return Verdict(
            outcome="violated",
            expected=expected,
            observed=f"{revision}, with changes that were not committed",
            evidence=evidence,
        )
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="no revision is recorded" if not revision else "whether it was clean is not recorded",
        evidence=evidence or ("no build setting vcs.revision",),
    )
