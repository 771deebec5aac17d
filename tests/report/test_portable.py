"""Reports without the folders of one machine."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.report.model import BuildRecord, Report, ReportedError
from pytest_golink.report.portable import portable
from tests.report.report_factory import finding_of, shipped
from tests.rules.facts_factory import DYNAMIC, STATIC


def made_on(root: str, key: str, go: str) -> Report:
    """What one build and one prebuilt image give in a checkout at `root`, whose cache calls the build `key`."""
    slot = f"{root}/.pytest_cache/d/golink/slots/{key}"
    build = BuildRecord(
        command=(go, "build", "-o", f"{slot}/build-7/app", f"-ldflags=-X main.dir={root}/x", "."),
        environment=(("CC", f"{root}/cc -O2"), ("LC_ALL", "C")),
        output=f"{slot}/build-7/app: warning\n{root}/main.go:3: note\n{root}er/other\n",
    )
    built = shipped("app", DYNAMIC)
    built = replace(built, facts={**built.facts, "path": f"{slot}/image/app"}, build=build)
    there = shipped("agent", STATIC)
    there = replace(there, facts={**there.facts, "path": f"{root}/dist/agent"})
    return Report(
        images=(built, there),
        findings=(
            finding_of("static", "app", DYNAMIC, path=f"{slot}/image/app", place=f"{root}/golink.toml:3"),
            finding_of("static", "agent", STATIC, path=f"{root}/dist/agent"),
        ),
        complete=False,
    )


def test_a_report_knows_neither_the_checkout_nor_the_cache_nor_where_go_lies() -> None:
    here = made_on("/home/me/app", "1a2b", "/usr/local/go/bin/go")
    there = made_on("/builds/7/app", "3c4d", "/opt/go/bin/go.exe")

    assert portable(here, root="/home/me/app").images[1].build == BuildRecord(
        command=("go", "build", "-o", "built/5efd5a0cc9b8/app", "-ldflags=-X main.dir=x", "."),
        environment=(("CC", "cc -O2"), ("LC_ALL", "C")),
        output="built/5efd5a0cc9b8/app: warning\nmain.go:3: note\n/home/me/apper/other\n",
    )
    shown = portable(here, root="/home/me/app")
    other = portable(there, root="/builds/7/app")
    assert replace(shown, images=()) == replace(other, images=())
    assert [one.facts for one in shown.images] == [one.facts for one in other.images]
    assert shown.complete is False


def test_findings_still_belong_to_their_images() -> None:
    report = portable(made_on("/home/me/app", "1a2b", "go"), root="/home/me/app")

    assert [(one.name, one.facts["path"]) for one in report.images] == [
        (one.finding.image, one.finding.path) for one in report.findings
    ]
    assert report.images[0].facts["path"] == "dist/agent"
    assert report.findings[1].finding.place == "golink.toml:3"


def test_two_builds_of_one_package_have_two_paths() -> None:
    one = made_on("/r", "1", "go").images[0]
    assert one.build is not None
    other = replace(one, build=replace(one.build, command=(*one.build.command[:4], "-race", ".")))
    report = portable(Report(images=(one, other)), root="/r")

    first, second = (image.facts["path"] for image in report.images)
    assert first != second
    assert first.startswith("built/")


def test_one_build_under_two_names_keeps_the_findings_of_each_apart() -> None:
    report = made_on("/home/me/app", "1a2b", "go")
    built, asked_of_it = report.images[0], report.findings[0]
    twin = replace(built, name="app-again")
    again = replace(asked_of_it, finding=replace(asked_of_it.finding, image="app-again"))

    shown = portable(Report(images=(built, twin), findings=(asked_of_it, again)), root="/home/me/app")

    assert [(one.name, one.facts["path"]) for one in shown.images] == [
        (one.finding.image, one.finding.path) for one in shown.findings
    ]
    assert len({one.facts["path"] for one in shown.images}) == 2


def test_errors_know_the_checkout_as_little() -> None:
    error = ReportedError(
        kind="UnreadableBinaryError",
        text="/home/ci/src/dist/app: truncated (looked in /home/ci/src/dist)",
        image="/home/ci/src/dist/app",
        path="/home/ci/src/dist/app",
        place="/home/ci/src/golink.toml:3",
    )
    (found,) = portable(Report(errors=(error,), selected=True), root="/home/ci/src").errors

    assert found == ReportedError(
        kind="UnreadableBinaryError",
        text="dist/app: truncated (looked in dist)",
        image="dist/app",
        path="dist/app",
        place="golink.toml:3",
    )
