"""One policy with all that a policy can have."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from pathlib import Path

from pytest_golink.builder import BuildOptions
from pytest_golink.policy import Location, PlannedBuild, PolicyBinary, RuleRequest, Waiver, read_policy
from pytest_golink.policy.model import RuleChange, RuleOverride

EVERYTHING = Path(__file__).parent / "everything.toml"


def at(line: int) -> Location:
    return Location(file="everything.toml", line=line)


def asked(rule: str, line: int, **parameters: object) -> RuleRequest:
    values = {name.replace("_", "-"): value for name, value in parameters.items()}
    return RuleRequest(rule=rule, parameters=values, place=at(line))


def test_a_policy_with_everything_is_read() -> None:
    policy = read_policy(EVERYTHING)

    base = (asked("static", 15), asked("no-cgo", 9), asked("stripped", 7), asked("max-size", 14, size="20 MB"))
    linux = BuildOptions(
        package="./cmd/app",
        target="linux/amd64",
        cgo=False,
        tags=("netgo", "osusergo"),
        ldflags="-s -w",
        trimpath=True,
        env=(("GOAMD64", "v2"), ("GOFLAGS", "-mod=vendor")),
        cwd="src",
    )
    windows = BuildOptions(
        package="./cmd/app",
        target="windows/amd64",
        cgo=True,
        tags=("netgo", "osusergo"),
        ldflags="",
        linkmode="external",
        extldflags="-static",
        buildmode="pie",
        trimpath=True,
        cc="zig cc",
        env=(("GOAMD64", "v2"), ("GOFLAGS", "-mod=vendor")),
        cwd="src",
    )
    app, agent, released = policy.binaries
    assert app == PolicyBinary(
        name="server",
        named=True,
        place=at(25),
        builds=(
            PlannedBuild(target="linux/amd64", options=linux, rules=base),
            PlannedBuild(
                target="windows/amd64",
                options=windows,
                rules=(
                    asked("needs", 51, libraries=("kernel32.dll",)),
                    asked("stripped", 7),
                    asked("build-setting", 54, settings=("CGO_ENABLED=1", "GOAMD64=v2")),
                    asked("signed", 52),
                    asked("max-size", 14, size="20 MB"),
                ),
            ),
        ),
        rules=base,
    )
    assert agent == PolicyBinary(
        name="dist/*/agent, dist/*.tar.gz!**/agent",
        named=False,
        place=at(58),
        paths=("dist/*/agent", "dist/*.tar.gz!**/agent"),
        may_run=True,
        rules=(asked("static", 68), asked("glibc-at-most", 66, version="2.17"), asked("no-cgo", 9), asked("nx", 20)),
        overrides=(
            RuleOverride(
                targets=("darwin/*",),
                changes=(
                    RuleChange(rule="static", parameters=None, place=at(72)),
                    RuleChange(rule="self-contained", parameters={}, place=at(72)),
                ),
                place=at(70),
            ),
        ),
    )
    assert released == PolicyBinary(
        name="released",
        named=True,
        place=at(74),
        goreleaser="dist",
        ids=("app",),
        rules=(asked("target", 78, targets=("linux/amd64", "darwin/arm64")),),
    )
    assert policy.waivers == (
        Waiver(
            binary="dist/*",
            rules=("static", "no-cgo"),
            targets=("linux/*",),
            reason="the plugin host needs cgo until it is gone",
            until=dt.date(2027, 3, 1),
            place=at(80),
        ),
    )
    assert policy.size_tolerance == "200 KB"
    assert list(policy.platforms) == ["appliance"]
    assert (policy.file, policy.folder) == (EVERYTHING, EVERYTHING.parent)


def test_a_policy_is_read_without_lief_and_without_pytest() -> None:
    script = f"""
import sys
from pytest_golink.policy import read_policy
read_policy({str(EVERYTHING)!r})
print(sorted({{name.partition(".")[0] for name in sys.modules}} & {{"lief", "elftools", "macholib", "pytest"}}))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_long_policy_is_read_in_a_moment(tmp_path: Path) -> None:
    policies = "[policy.p]\nstatic = true\nstripped = true\nmax-size = '20 MB'\nno-cgo = true\n"
    binary = "[[binary]]\nname = 'b{}'\npackage = './cmd/app'\ntargets = ['linux/amd64', 'linux/arm64']\npolicy = 'p'\n"
    path = tmp_path / "golink.toml"
    path.write_text(policies + "".join(binary.format(number) for number in range(40)), encoding="utf-8")

    def seconds() -> float:
        start = time.process_time()
        read_policy(path)
        return time.process_time() - start

    # 6 ms; coverage and a machine under load take their share.
    assert min(seconds() for _ in range(3)) < 0.25
