"""The rule that builds the program twice, and names what differs."""

# Annotations are read at run time here (parameters.py): no `from __future__ import annotations`.

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_golink.errors import GolinkError
from pytest_golink.reader.sections import read_sections
from pytest_golink.remedies import Case, Remedy
from pytest_golink.remedies.flags import trim_paths
from pytest_golink.rules.differences import Built, Differences, differences
from pytest_golink.rules.rule import rule
from pytest_golink.rules.subject import Subject
from pytest_golink.rules.verdict import Verdict

# Of another length too: a path's length moves what stands behind it.
_FOLDERS = ("one", "another-folder")


def _why_they_differ(case: Case) -> Iterable[str]:
    """Return what made the two builds differ."""
    return case.details(Differences).cause


def _build_alike(case: Case) -> Iterator[Remedy]:
    """Yield what keeps out of the image what differs between two builds: the folder, and settings that name it."""
    yield from (Remedy(words=line) for line in case.details(Differences).remedy)
    yield from trim_paths(case)


@rule(
    "reproducible",
    group="behaviour",
    page=(
        "two builds from two folders are the same, byte for byte; on a difference the section and the string are named"
    ),
    of_the_file=True,
    causes=_why_they_differ,
    remedies=_build_alike,
)
def reproducible(subject: Subject, *, fresh_cache: bool = True) -> Verdict:
    """
    Two builds from two folders are the same, byte for byte.

    The module is copied into two folders and built in each, with the same options. The second build has its own Go
    build cache, so that it does compile; with `fresh-cache` false it may take over what the first one compiled.
    """
    expected = "two builds from two folders are the same, byte for byte"
    if subject.rebuild is None:
        return Verdict(
            outcome="undecidable",
            expected=expected,
            observed="it was not built in this run, and golink has no package to build it from",
            remedy=("name its package, not its path: golink builds it then",),
        )
    with tempfile.TemporaryDirectory(prefix="golink-twice-", ignore_cleanup_errors=True) as base:
        # Temporary folders may lie in the module, whose copy must not hold itself: a folder with this file is left out.
        Path(base, "CACHEDIR.TAG").write_text("Signature: 8a477f597d28d172789f06886806bc55", encoding="ascii")
        folders = [Path(base).resolve() / name for name in _FOLDERS]
        images = []
        for folder, fresh in zip(folders, (False, fresh_cache), strict=True):
            folder.mkdir()
            images.append(subject.rebuild(folder, fresh))
        data = [image.read_bytes() for image in images]
        if data[0] == data[1]:
            return Verdict(outcome="passed", expected=expected, observed=f"the same {len(data[0])} bytes")
        first, second = (
            Built(
                data=each,
                sections=read_sections(image, each),
                folder=str(folder / "source"),
                settings=_settings(image),
            )
            for each, image, folder in zip(data, images, folders, strict=True)
        )
    found = differences(first, second)
    return Verdict(
        outcome="violated",
        expected=expected,
        observed="they differ",
        evidence=found.evidence,
        details=found,
    )


def _settings(image: Path) -> dict[str, str]:
    from pytest_golink.reader import read_binary  # imports lief, which is slow

    try:
        go = read_binary(image).go
    except GolinkError:
        # Other rules report what is wrong with the image.
        return {}
    return dict(go.settings) if go else {}
