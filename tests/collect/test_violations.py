"""violations.toml: each kind of violation, with the text that it is told in."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.collect import items

if TYPE_CHECKING:
    import pytest

    from pytest_golink import GoBuild

POLICY = Path(__file__).with_name("violations.toml")
SAID = {
    "net[linux/amd64]::static": """\
golink: the waiver of static at golink.toml:43 expired on 2026-01-30: the name service must be libc's
  mend the image, or agree on a new day and write it there as until
golink: net (linux/amd64) violates static
  expected  no PT_INTERP, no DT_NEEDED
  observed  dynamic
  evidence  PT_INTERP /lib64/ld-linux-x86-64.so.2
            DT_NEEDED libc.so.6 (needs GLIBC_2.34: …)
  cause     runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing reaches
            cgo is on because this build sets it: cgo = true
            net/cgo_linux.go is compiled under its constraint: !android && cgo && !netgo
            ./net → net → runtime/cgo, imported at net/main.go:3, net/cgo_linux.go:…
  remedy    CGO_ENABLED=0, or -tags netgo
  policy    golink.toml:2""",
    "net::same-linkage": """\
golink: net violates same-linkage
  expected  the same linkage, libc, cgo and resolver, where the platforms allow it
  observed  linux/amd64 differs from the rest in linkage, libc, cgo
  evidence  linux/amd64: dynamic, glibc, cgo in use, resolver none
            linux/arm64: static, no libc, cgo not in use, resolver none
  cause     unless CGO_ENABLED says otherwise, cgo is on where Go builds for its own platform and finds a C compiler,
            and off where it builds for another
            linux/amd64: runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing
            reaches
  remedy    CGO_ENABLED=0 for every target, or CGO_ENABLED=1 with a C compiler for each
  policy    golink.toml:11""",
    "waived::stripped": "crash reports need symbols (until 2026-01-31)",
    "broken::static": """\
broken (linux/amd64) does not build (exit status 1)
  # example.com/app/broken
  ./main.go:4:2: undefined: undefined
  command: GO build -o IMAGE .""",
    "broken::stripped": "broken could not be built; golink.toml::broken::static shows the error",
    "dist/plain::no-link-warnings": """\
golink: dist/plain (linux/amd64) does not say whether no-link-warnings holds
  expected  no linker warning
  observed  the image was not built in this run, and does not keep the linker's messages
  remedy    build it with go_build, or let CI keep the linker's output
  policy    golink.toml:31""",
    "dist/text::no-link-warnings": (
        "FOLDER/dist/text: not an executable, library, object or archive (starts with b'no image')"
    ),
    "dist/plain, dist/text, dist/nothing*, dist/packed.tar.gz!bin/app::path": """\
dist/nothing*: no file matches (looked in FOLDER/dist); there is dist/packed.tar.gz, dist/plain, dist/text
dist/packed.tar.gz!bin/app: no member of dist/packed.tar.gz matches (looked in dist/packed.tar.gz); there is \
bin/application
golink.toml:35: this override for windows/* matches no image that was found; their targets: linux/amd64, unknown""",
}


def without_this_machine(text: str, folder: Path) -> str:
    lines = []
    for line in text.replace(str(folder), "FOLDER").splitlines():
        if line.startswith("  command: "):
            line = "  command: GO build -o IMAGE ."
        # The line is the Go version's own.
        line = re.sub(r"(net/cgo_linux.go:).*", r"\1…", line)
        # Which symbols need it, and on how many lines, is the libc's own business.
        if "DT_NEEDED libc.so.6 (needs " in line:
            line = f"{line.partition(':')[0]}: …)"
        if not re.match(r" {12}(pthread_|more\)|\d+ more\))", line):
            lines.append(line)
    return "\n".join(lines)


def test_each_kind_of_violation_has_its_text(
    pytester: pytest.Pytester, module: Path, go_build: GoBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The last day of one waiver, and the day after that of another.
    monkeypatch.setattr(items, "today", lambda: dt.date(2026, 1, 31))
    shutil.copy(POLICY, module / "golink.toml")
    dist = pytester.mkdir("dist")
    shutil.copy(go_build("plain", cwd=module, cgo=False).path, dist / "plain")
    (dist / "text").write_text("no image")
    with tarfile.open(dist / "packed.tar.gz", "w:gz") as archive:
        archive.add(dist / "plain", "bin/application")

    run = pytester.inline_run("-p", "no:cacheprovider", "--xfail-tb")

    reports = [
        one for one in run.getreports("pytest_runtest_logreport") if one.when == "call" or one.outcome != "passed"
    ]
    said = {
        one.nodeid.removeprefix("golink.toml::"): without_this_machine(one.longreprtext, module)
        for one in reports
        if one.outcome != "passed"
    }
    assert list(said) == list(SAID)
    for name, text in SAID.items():
        assert said[name] == text
    assert [one.nodeid for one in reports if one.outcome == "skipped"] == ["golink.toml::waived::stripped"]
    assert [one.nodeid for one in reports if one.outcome == "passed"] == [
        "golink.toml::net[linux/amd64]::stripped",
        "golink.toml::net[linux/arm64]::static",
        "golink.toml::net[linux/arm64]::stripped",
        "golink.toml::waived::static",
        "golink.toml::waived::nx",
    ]
    # Where pytest points to, and CI's annotations: the line that asked.
    lines = {one.nodeid.removeprefix("golink.toml::"): one.location[:2] for one in reports}
    assert lines["net[linux/amd64]::static"] == ("golink.toml", 1)
    assert lines["net::same-linkage"] == ("golink.toml", 10)
    assert lines["dist/plain::no-link-warnings"] == ("golink.toml", 30)
