"""
How the loader of a platform finds a library beside the image, and whether it accepts the file.

golink runs nothing. It knows the folders of the target machine only as far as the base system fills them.

Source: glibc's elf/dl-load.c (_dl_map_object, open_verify, _dl_dst_substitute) and elf/dl-deps.c; musl's
ldso/dynlink.c (load_library, fixup_rpath, path_open).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.loader.obstacles import Obstacle
from pytest_golink.loader.project import outside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.platforms import Platform

# A token's name is as long as possible: "$ORIGINAL" is another token, which glibc does not know. musl reads it as
# $ORIGIN followed by "AL", anywhere in an entry.
_ORIGIN = re.compile(r"\$(?:\{ORIGIN\}|ORIGIN(?![A-Za-z0-9_]))")
_ORIGIN_OF_MUSL = re.compile(r"\$(?:\{ORIGIN\}|ORIGIN)")
# How many links in a row Linux follows (path_resolution(7)).
_LINKS = 40
# Larger than any library, in bytes; golink reads a library whole.
_LARGEST = 512 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """
    The image, or a library that is shipped with it.

    `soname` is the library's own name, `versions` and `exports` are the symbol versions and symbols that it defines;
    `asked_by` is the first image that needs it, None for the program itself.
    """

    facts: BinaryFacts
    soname: str | None = None
    versions: tuple[str, ...] = ()
    exports: frozenset[str] = frozenset()
    asked_by: Loaded | None = None

    @property
    def origin(self) -> Path:
        """The folder that $ORIGIN means: a program's own folder, also if it was started by a link."""
        path = Path(self.facts.path)
        return (path.resolve() if self.facts.kind == "executable" else path).parent


def folders(image: Loaded, platform: Platform) -> Iterator[tuple[str, Path | None]]:
    """
    Yield the entries of DT_RUNPATH or DT_RPATH that the loader uses for an image's libraries, each with its folder.

    They come in the loader's order; the folder is None if it is on the target machine, or outside the project. Folders
    in which the loader looks anyway are left out: the base system fills them.
    """
    musl = platform.libc == "musl"
    for owner, path in _paths(image, musl=musl):
        token = _ORIGIN_OF_MUSL if musl else _ORIGIN
        if musl and any("$" in token.sub("", entry) for entry in path):
            # After an unknown token musl does not replace the others either.
            continue
        for entry in path:
            match = token.match(entry)
            if match is not None and "$" not in entry[match.end() :]:
                folder = Path(f"{owner.origin}{entry[match.end() :]}")
                if outside(folder, Path(image.facts.path)):
                    yield f"{entry} (outside of the project)", None
                else:
                    yield entry, folder
            elif not (musl and not entry) and entry.rstrip("/") not in platform.directories:
                yield entry, None


def _paths(image: Loaded, *, musl: bool) -> Iterator[tuple[Loaded, tuple[str, ...]]]:
    """Yield each path with the image that has it: DT_RPATH of the images that led to this one counts too."""
    if image.facts.runpath and not musl:
        yield image, image.facts.runpath
        return
    owner: Loaded | None = image
    while owner is not None:
        # DT_RPATH counts only where there is no DT_RUNPATH; musl makes no other difference between the two.
        if musl or not owner.facts.runpath:
            yield owner, owner.facts.runpath or owner.facts.rpath or ()
        owner = owner.asked_by


def look_beside(name: str, image: Loaded, platform: Platform, goarch: str, *, there: bool) -> Loaded | Obstacle | None:
    """
    Find a library that an image needs among the files shipped with it.

    Args:
        name: The library's name in DT_NEEDED.
        image: The image that needs it.
        platform: The platform whose loader looks.
        goarch: The architecture that it must be for, "" where that is not known.
        there: Whether the base system has a library of that name, to which glibc goes on.

    Returns:
        The library; or why the loader does not accept the file that it finds; None where it finds none.
    """
    skipped: Loaded | Obstacle | None = None
    for path in _candidates(name, image, platform):
        if path.is_dir():
            return Obstacle(text=f"{path.name}, beside the image, is a folder: the loader ends there")
        if not path.is_file():
            skipped = skipped or _for_some_cpus(path, platform)
            continue
        target = _absolute_link(path) or outside(path, Path(image.facts.path))
        if target is not None:
            text = f"{path.name}, beside the image, is a link to {target}: what is there is not known here"
            return Obstacle(text=text, certain=False)
        found, foreign = _read(path, image, goarch)
        # musl does not check the machine, and fails while it loads the file; glibc goes on to the next folder.
        if not foreign or platform.libc == "musl":
            return found
        skipped = skipped or found
    return None if there else skipped


def undefined_versions(facts: BinaryFacts, shipped: Mapping[str, Loaded]) -> Iterator[Obstacle]:
    """Yield the versions that an image needs and the shipped library of that name does not define."""
    for need in facts.version_needs:
        library = shipped.get(need.library)
        if library is None or need.version in library.versions:
            continue
        # glibc accepts, with a warning, a library that defines no version but needs some; in a library without any
        # table of versions, the lookup of the symbol fails.
        # Source: glibc's elf/dl-version.c, match_symbol; elf/dl-lookup.c, check_match.
        warns = need.weak if library.versions else bool(library.facts.version_needs)
        yield Obstacle(
            text=f"{need.library}, beside the image, does not define {need.version}"
            + (": the loader warns, and calls may fail" if warns else ""),
            caution=warns,
            remedy=() if warns else (f"ship the {need.library} that it was linked with",),
        )


def _candidates(name: str, image: Loaded, platform: Platform) -> Iterator[Path]:
    if "/" not in name:
        yield from (folder / name for _, folder in folders(image, platform) if folder is not None)
        return
    match = _ORIGIN.match(name)
    if match is not None and platform.libc != "musl":
        # glibc knows tokens in DT_NEEDED too.
        path = Path(f"{image.origin}{name[match.end() :]}")
        if not outside(path.parent, Path(image.facts.path)):
            yield path


def _for_some_cpus(path: Path, platform: Platform) -> Obstacle | None:
    """Return the obstacle that a library is only in a subfolder for some CPUs, None where it is not."""
    if platform.libc != "glibc":
        return None
    # Source: ld.so(8), "Hardware capabilities"; before glibc 2.33 they were tls, haswell and others.
    for found in (*sorted(path.parent.glob(f"glibc-hwcaps/*/{path.name}")), path.parent / "tls" / path.name):
        if found.is_file():
            folder = found.parent.relative_to(path.parent).as_posix()
            text = f"{path.name}, beside the image, is only in {folder}, where not every loader and CPU looks"
            return Obstacle(text=text, certain=False)
    return None


def _absolute_link(path: Path) -> str | None:
    """Return the absolute target of a link, followed through other links; None where it has none."""
    for _ in range(_LINKS):
        if not path.is_symlink():
            return None
        target = path.readlink()
        if target.is_absolute():
            return str(target)
        path = path.parent / target
    return None


def _read(path: Path, image: Loaded, goarch: str) -> tuple[Loaded | Obstacle, bool]:
    """Return a library, or why the loader cannot use it; and whether that is because it is for another machine."""
    from pytest_golink.reader import read_binary  # only for an image that ships libraries
    from pytest_golink.reader.elf.system import read_exports, read_system_file

    beside = f"{path.name}, beside the image,"
    try:
        if (size := path.stat().st_size) > _LARGEST:
            text = f"{beside} cannot be read: it has {size} bytes, more than the bound of {_LARGEST}"
            return Obstacle(text=text, certain=False), False
        data = memoryview(path.read_bytes())
        library = read_system_file(str(path), data)
        if library is None:
            return Obstacle(text=f"{beside} is no ELF file: the loader ends there"), False
        if goarch and library.goarch != goarch:
            return Obstacle(text=f"{beside} is for {library.goarch or 'a machine that Go has no port to'}"), True
        facts, exports = read_binary(path), read_exports(str(path), data)
    except (UnreadableBinaryError, OSError) as error:
        return Obstacle(text=f"{beside} cannot be read: {error}", certain=False), False
    found = Loaded(facts=facts, soname=library.soname, versions=library.versions, exports=exports, asked_by=image)
    return found, False
