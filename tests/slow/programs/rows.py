"""The programs of programs.toml, and those of the command line."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pytest_golink.builder.names import program_name
from pytest_golink.builder.options import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Explanation", "Program", "chosen", "read_explanations", "read_programs", "tomllib"]

HERE = Path(__file__).parent
_STATIC: Mapping[str, object] = {"static": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """
    One row of programs.toml.

    Attributes:
        module: The module's path.
        version: Its version.
        name: Its name in the table.
        options: The options of a build, the package among them.
        goreleaser: The `id` or the number of a `builds:` entry, "" where the row has the options.
        run: The arguments to run it with, None where it is not run.
        rules: The policy whose remedies are tried.
        remedies: Whether remedies are tried.
        debian: The packages that its C needs.
    """

    module: str
    version: str
    name: str
    options: Mapping[str, object]
    goreleaser: str = ""
    run: tuple[str, ...] | None = ("--version",)
    rules: Mapping[str, object] = field(default_factory=lambda: _STATIC)
    remedies: bool = True
    debian: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Explanation:
    """A row of explained.toml: why a check of a program differs."""

    program: str
    check: str
    reason: str
    used: int = 0

    def covers(self, program: str, check: str) -> bool:
        """Whether it is about this check of this program."""
        return fnmatchcase(program, self.program) and fnmatchcase(check, self.check)


def read_programs(path: Path = HERE / "programs.toml") -> list[Program]:
    """Read the programs of a file."""
    return [_program(row) for row in tomllib.loads(path.read_text(encoding="utf-8"))["program"]]


def read_explanations(path: Path = HERE / "explained.toml") -> list[Explanation]:
    """Read the differences that have a reason."""
    rows = tomllib.loads(path.read_text(encoding="utf-8")).get("explained", [])
    return [Explanation(program=row["program"], check=row["check"], reason=row["reason"]) for row in rows]


def chosen(programs: Sequence[Program], only: Sequence[str]) -> list[Program]:
    """Return the programs of these words: a part of a name or module, or "module/package@version" for another one."""
    if not only:
        return list(programs)
    found = [program for program in programs if any(_has(program, word) for word in only)]
    return [*found, *(_other(word, programs) for word in only if not any(_has(program, word) for program in programs))]


def _has(program: Program, word: str) -> bool:
    return word in program.name or word in f"{program.module}@{program.version}"


def _other(word: str, programs: Sequence[Program]) -> Program:
    path, at, version = word.rpartition("@")
    if not at:
        names = ", ".join(program.name for program in programs)
        raise SystemExit(
            f'no program is called "{word}"; write module@version, or module//package@version; there are {names}'
        )
    module, _, package = path.partition("//")
    return _program({"module": module, "version": version, "package": f"./{package}" if package else "."})


def _program(row: dict[str, Any]) -> Program:
    options = {name: row[name] for name in OPTIONS if name in row}
    package = PurePosixPath(str(options["package"])).name
    run = row.get("run", ["--version"])
    return Program(
        module=row["module"],
        version=row["version"],
        name=row.get("name") or package or program_name(row["module"]) or row["module"],
        options=options,
        goreleaser=str(row.get("goreleaser", "")),
        run=tuple(run) if run is not False else None,
        rules=row.get("rules", _STATIC),
        remedies=row.get("remedies", True),
        debian=tuple(row.get("debian", ())),
    )
