"""Remedies for what the build info says: another toolchain, setting, module, checkout or target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.findings import Remedy
from pytest_golink.golang.versions import version_key
from pytest_golink.text.words import listed
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.case import Case


def take_other_go(case: Case) -> Iterator[Remedy]:
    """Yield the versions of Go that the rule allows."""
    version = case.facts.go.version if case.facts.go else None
    least, most = case.finding.text("at-least") or "", case.finding.text("at-most") or ""
    low, key = version_key(least), version_key(version or "")
    if low is not None and key is not None and key < low:
        yield Remedy(words=f"build with Go {least.removeprefix('go')} or newer")
    else:
        yield Remedy(words=f"build with Go {most.removeprefix('go')} or older")


def change_settings(case: Case) -> Iterator[Remedy]:
    """Yield the settings that the build must have."""
    wrong = case.details(dict)
    yield Remedy(words=f"build with {listed([_spelled(key, value) for key, value in wrong.items()])}")


def _spelled(key: str, value: str) -> str:
    if key.startswith("vcs"):
        return f"{key}={value} (the state of the checkout)"
    return f"{key}='{value}'" if " " in value else f"{key}={value}"


def leave_module(_case: Case) -> Iterator[Remedy]:
    """Yield how a module is found and replaced."""
    yield Remedy(words="go mod why -m PATH says what needs it; go get PATH@VERSION takes another version")


def build_from_commit(case: Case) -> Iterator[Remedy]:
    """Yield what makes the build info name a revision without changes."""
    if setting(case.facts, "vcs.revision") and setting(case.facts, "vcs.modified") == "true":
        yield Remedy(words="commit or remove what `git status --porcelain` shows, then build")
    else:
        yield Remedy(
            words="build the main package in its checkout with -buildvcs=true, which fails where it cannot be recorded"
        )


def take_target(case: Case) -> Iterator[Remedy]:
    """Yield the target that the rule names, where it names one."""
    plain = [name for name in case.finding.names("targets") if not set(name) & set("*?[")]
    if len(plain) == 1:
        goos, goarch = plain[0].split("/")
        yield Remedy(words=f"GOOS={goos} GOARCH={goarch}")
