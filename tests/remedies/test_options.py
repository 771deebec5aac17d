"""A change of a build joins what the user, GOFLAGS and cgo's variables say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_golink.builder.options import BuildOptions
from pytest_golink.findings import BuildChange
from pytest_golink.remedies.cgo_off import why_cgo_is_needed, without_cgo
from pytest_golink.remedies.options import changed, folded, has
from tests.rules.facts_factory import DYNAMIC, go, target

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts


def test_goflags_count_as_options_and_what_a_change_drops_leaves_them() -> None:
    goflags = "-race -mod=mod -tags=theirs '-ldflags=-s -w' -trimpath=false"
    start = folded(BuildOptions(tags=("own",)), {"GOFLAGS": goflags})

    # A flag of the command line is the last word.
    assert (start.tags, start.race, start.ldflags, start.trimpath) == (("own",), True, "-s -w", False)
    after = changed(start, BuildChange(options={"race": False}, dropped={"ldflags": ("-s", "-w")}))
    assert dict(after.env) == {"GOFLAGS": "-mod=mod -tags=theirs -trimpath=false"}
    assert (after.race, after.ldflags) == (False, "")


def test_a_variable_of_cgo_keeps_what_it_has_and_go_s_default_where_it_has_nothing() -> None:
    older = BuildChange(added={"CGO_CFLAGS": ("-march=x86-64",)}, dropped={"CGO_CFLAGS": ("-march=x86-64-v3",)})

    given = changed(folded(BuildOptions(), {"CGO_CFLAGS": "-O3 -march=x86-64-v3"}), older)
    assert dict(given.env) == {"CGO_CFLAGS": "-O3 -march=x86-64"}
    assert dict(changed(BuildOptions(), older).env) == {"CGO_CFLAGS": "-O2 -g -march=x86-64"}
    assert has(given, older)
    assert not has(BuildOptions(), older)
    assert not has(folded(BuildOptions(), {"CGO_CFLAGS": "-march=x86-64 -march=x86-64-v3"}), older)


@pytest.mark.parametrize(
    ("change", "with_it"),
    [
        (BuildChange(options={"linkmode": "external"}), BuildOptions(ldflags="-linkmode external")),
        (BuildChange(options={"cgo": False}), BuildOptions(cgo=False)),
        (BuildChange(environment=(("GOAMD64", "v1"),)), BuildOptions(env=(("GOAMD64", "v1"),))),
        (BuildChange(added={"tags": ("netgo",)}), BuildOptions(tags=("netgo", "own"))),
        (BuildChange(added={"extldflags": ("-static",)}), BuildOptions(ldflags='-extldflags "-O1 -static"')),
        (BuildChange(added={"ldflags": ("-R 0x10000",)}), BuildOptions(ldflags="-s -R 0x10000")),
    ],
)
def test_a_build_has_a_change_wherever_it_stands(change: BuildChange, with_it: BuildOptions) -> None:
    assert has(with_it, change)
    assert changed(with_it, change) == with_it
    assert not has(BuildOptions(), change)
    assert has(changed(BuildOptions(), change), change)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (replace(DYNAMIC, go=go(_msan="true")), "-msan needs cgo"),
        (
            replace(DYNAMIC, go=go(_buildmode="plugin")),
            "-buildmode=plugin needs cgo: only the C compiler's linker makes it",
        ),
        (
            replace(DYNAMIC, target=target("android/amd64")),
            "android/amd64 needs cgo: only the C compiler's linker makes its programs",
        ),
        (replace(DYNAMIC, target=target("android/arm64")), ""),
    ],
)
def test_what_go_does_not_build_without_cgo_is_known_beforehand(facts: BinaryFacts, reason: str) -> None:
    assert why_cgo_is_needed(facts, BuildOptions()) == reason


def test_without_cgo_a_pie_goes_where_go_cannot_link_one() -> None:
    asked = BuildOptions(buildmode="pie")

    assert without_cgo(replace(DYNAMIC, target=target("linux/386")), asked)[0] == {"cgo": False, "buildmode": "exe"}
    assert without_cgo(DYNAMIC, asked)[0] == {"cgo": False}
