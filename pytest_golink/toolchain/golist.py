"""Run `go list -json`, and read its entries."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from pytest_golink.errors import BuildError
from pytest_golink.golang.versions import release_of
from pytest_golink.toolchain.process import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

# Thousands of packages take a few seconds; a module that Go must download first takes longer.
_TIMEOUT_S = 300.0
# `go list -json=FIELDS` came with Go 1.19.
_FIRST_WITH_FIELDS = (19, 0)


def go_list(
    go: Path,
    arguments: Sequence[str],
    *,
    fields: Sequence[str],
    version: str,
    cwd: Path,
    environment: Mapping[str, str],
) -> tuple[dict[str, Any], ...]:
    """
    Run `go list` and return its entries, in its order.

    Args:
        go: The go binary.
        arguments: Flags, then packages.
        fields: The fields that the caller needs; the entries may have more.
        version: The toolchain's version ("go1.27.3").
        cwd: The folder to run it in.
        environment: The whole environment.

    Raises:
        BuildError: It fails, does not end, or prints anything else.
    """
    release = release_of(version)
    # All fields take longer: Go also checks which packages are stale.
    chosen = "-json" if release and release < _FIRST_WITH_FIELDS else f"-json={','.join(fields)}"
    command = (str(go), "list", chosen, *arguments)
    try:
        done = run(command, cwd=cwd, environment=environment, timeout_s=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BuildError(f"`go list` did not answer: {error}", command=command, status=-1, output="") from error
    if done.status != 0:
        raise BuildError("`go list` failed", command=command, status=done.status, output=done.stderr)
    try:
        return tuple(_entries(done.stdout))
    except ValueError as error:
        raise BuildError("`go list` cannot be read", command=command, status=0, output=str(error)) from error


def _entries(text: str) -> Iterator[dict[str, Any]]:
    # One object after another, without commas.
    decoder = json.JSONDecoder()
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        entry, at = decoder.raw_decode(text, at)
        if not isinstance(entry, dict):
            raise ValueError(f"not an object: {entry!r}")
        yield entry
