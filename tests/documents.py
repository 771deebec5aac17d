"""The documents as tests see them: blocks of code, and sessions in a terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = tuple(
    path.relative_to(ROOT).as_posix()
    for path in [
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "AGENTS")),
        *sorted((ROOT / "docs").glob("*.md")),
    ]
)
# A block of a list is indented.
_BLOCK = re.compile(r"^( *)```([\w{}-]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Where a document leaves something out: any text, over several lines too.
_LEFT_OUT = "…"


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A block of code: its page, its first line's number, its language ("" where it names none), and its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """One command of a session: what is typed, what is printed, and its exit status where the document has it."""

    line: str
    output: str
    status: int | None


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(
            page=page,
            line=text.count("\n", 0, match.start(3)) + 1,
            language=match[2],
            text=re.sub(rf"^{match[1]}", "", match[3], flags=re.MULTILINE),
        )
        for match in _BLOCK.finditer(text)
    ]


def blocks_of(*languages: str) -> list[Block]:
    """Return the blocks of all pages in some languages."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def commands(session: str) -> list[Command]:
    """Return the commands of a session: "$ command", its output, and perhaps "[1]", its exit status."""
    found = []
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        line, _, output = part.partition("\n")
        status = re.search(r"^\[(\d+)\]\n?\Z", output, re.MULTILINE)
        found.append(
            Command(
                line=re.sub(r" {2,}#.*", "", line),
                output=output[: status.start()] if status else output,
                status=int(status[1]) if status else None,
            )
        )
    return found


def is_printed(shown: str, printed: str) -> bool:
    """Whether a document shows what was printed; "…" stands for what it leaves out."""
    # At the end of a line: what the line goes on with, and lines after it.
    pattern = re.sub(rf" ?{_LEFT_OUT}(?=\n|\Z)", _LEFT_OUT, shown.rstrip())
    pattern = re.escape(pattern).replace(re.escape(_LEFT_OUT), ".*?")
    return re.fullmatch(pattern, _plain(printed), re.DOTALL) is not None


def _plain(printed: str) -> str:
    return "\n".join(line.rstrip() for line in printed.rstrip().split("\n"))
