"""What turned cgo, PIE or instrumentation on or off: an option of the build, the environment, go.env, or a default."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.concerns import Concern
from pytest_golink.traits import setting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_golink.builder.binary import Origin
    from pytest_golink.facts import BinaryFacts


def switch_lines(facts: BinaryFacts, concerns: frozenset[Concern], origin: Origin) -> list[str]:
    """Return what switched on, or off, what a violation comes from; nothing where no switch has to do with it."""
    if Concern.INSTRUMENTATION in concerns:
        return list(_instrumentation(facts, origin))
    pie = setting(facts, "-buildmode") == "pie" and facts.hardening.pie
    # Where -msan needs PIE, Go sets it.
    if pie and Concern.LINKAGE in concerns and setting(facts, "-msan") != "true":
        return [_set_by(origin, "-buildmode=pie", here=origin.job.options.buildmode == "pie")]
    used = Concern.CGO_LINKED in concerns and facts.cgo.used is True
    unused = Concern.CGO_MISSING in concerns and facts.cgo.used is False and facts.cgo.enabled is False
    line = _cgo(origin, linked=used) if used or unused else ""
    return [line] if line else []


def _instrumentation(facts: BinaryFacts, origin: Origin) -> Iterator[str]:
    for kind in ("race", "msan", "asan", "cover"):
        if setting(facts, f"-{kind}") == "true":
            yield _set_by(origin, f"-{kind}", here=kind == "race" and origin.job.options.race)


def _cgo(origin: Origin, *, linked: bool) -> str:
    """Return what turned cgo on or off, "" where a cross build linked C in and nothing says why."""
    options, toolchain = origin.job.options, origin.builder.toolchain
    state = "on" if linked else "off"
    if options.cgo is not None:
        return f"cgo is {state} because this build sets it: cgo = {str(options.cgo).lower()}"
    if "CGO_ENABLED" in dict(options.env):
        return f"cgo is {state} because of this build's env: CGO_ENABLED={dict(options.env)['CGO_ENABLED']}"
    if origin.job.target != toolchain.target:
        return "" if linked else f"cgo is off for {origin.job.target}: off by default where Go cross-compiles"
    return f"cgo is {state} by default: {toolchain.cgo_reason}"


def _set_by(origin: Origin, flag: str, *, here: bool) -> str:
    if here:
        return f"{flag} is set by this build's options"
    # Go sets none of these flags by itself, and reads its file where the environment has nothing.
    environment = {**os.environ, **origin.job.environment}
    file = environment.get("GOENV") or origin.builder.toolchain.settings.get("GOENV", "go.env")
    return f"{flag} comes from GOFLAGS in {'the environment' if environment.get('GOFLAGS') else file}"
