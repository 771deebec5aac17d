"""
What the ELF loader needs on a platform before a program starts, in its own order.

The kernel finds PT_INTERP; the loader finds each DT_NEEDED, and each version need in the library that it names.

Source: ld.so(8); System V gABI, chapter 5; musl's ldso/dynlink.c.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import cgo_causes, dynamic_causes, dynamic_import_causes
from pytest_golink.loader.elf_loading import loading_obstacles
from pytest_golink.loader.elf_search import Loaded, folders, look_beside, undefined_versions
from pytest_golink.loader.elf_symbols import MUSL_ITSELF, Present, symbol_obstacles
from pytest_golink.loader.elf_systems import android_level, openbsd_has, openbsd_other_version, system_obstacles
from pytest_golink.loader.obstacles import Obstacle, cpu_obstacles
from pytest_golink.platforms.musl import is_of_some_musls, musl_has
from pytest_golink.reader.libc import ABI_VERSIONS
from pytest_golink.remedies.linkage import static_words
from pytest_golink.text.versions import numbers, symbol_version
from pytest_golink.text.words import listed
from pytest_golink.traits import GLIBC_PRIVATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts, NeededLibrary, VersionNeed
    from pytest_golink.platforms import Platform

# Versions without a number, with the prefix and number of the version that came at the same time.
# Source: the symbols file of Debian's libstdc++6: GCC 4.7 and GCC 5; gcc's libstdc++-v3/config/abi/pre/gnu.ver.
_NAMED_VERSIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {name: ("GLIBC", version) for name, version in ABI_VERSIONS.items()}
    | {"CXXABI_TM_1": ("CXXABI", "1.3.6"), "CXXABI_FLOAT128": ("CXXABI", "1.3.9")}
)
# The version of the symbols that glibc's own libraries share with each other: they change with every build.
# Entries other than DT_NEEDED from which some loaders load libraries, and the entries whose library may be missing.
# Source: glibc's elf/dl-deps.c (DT_AUXILIARY: "We can't load this auxiliary object") and elf/rtld.c, load_audit_module;
# musl's ldso/dynlink.c and bionic's linker/linker.cpp know none of them.
_OPTIONAL = frozenset({"DT_AUXILIARY", "DT_AUDIT", "DT_DEPAUDIT"})
_OF_GLIBC_AND_SUN = _OPTIONAL | {"DT_FILTER"}
# How many libraries beside the image golink reads: it looks no further at a program that ships more.
_MOST_SHIPPED = 64


def elf_obstacles(facts: BinaryFacts, platform: Platform, *, packed: bool = False) -> Iterator[Obstacle]:
    """
    Yield what the loader will miss on the platform, and what may fail later.

    Args:
        facts: The image's facts.
        platform: The platform to start on.
        packed: Whether the image was extracted from an archive: golink cannot see the files beside it there.
    """
    goarch = facts.target.goarch if facts.target else ""
    # "//lib64/ld.so" and "/lib64/../lib64/ld.so" are one path.
    loader = re.sub(r"^//+", "/", posixpath.normpath(facts.interpreter or "/"))
    if facts.interpreter is not None and not platform.has_loader(loader, goarch):
        yield _without_loader(facts, platform, goarch)
        return
    yield from loading_obstacles(facts, platform)
    yield from system_obstacles(facts, platform)
    if facts.linkage == "dynamic":
        yield from _libraries(facts, platform, goarch, packed=packed)
    yield from _cautions(facts)


def _without_loader(facts: BinaryFacts, platform: Platform, goarch: str) -> Obstacle:
    path = facts.interpreter or ""
    if path and not path.startswith("/"):
        text = f"PT_INTERP {path}: it depends on the current folder whether that is there"
        return Obstacle(text=text, certain=False, cause=dynamic_causes(facts), remedy=static_words(facts))
    if path.startswith("/nix/store/"):
        if platform.family == "nixos":
            return Obstacle(text=f"PT_INTERP {path}: golink does not know which store paths are there", certain=False)
        why = "that folder is NixOS's own"
    elif platform.note:
        why = platform.note
    elif goarch in platform.loaders:
        why = f"its loader is {platform.libc}'s {listed(platform.loaders[goarch])}"
    else:
        why = "there is no loader"
    return Obstacle(
        text=f"PT_INTERP {path} is not there: {why}", cause=dynamic_causes(facts), remedy=static_words(facts)
    )


def _libraries(facts: BinaryFacts, platform: Platform, goarch: str, *, packed: bool) -> Iterator[Obstacle]:
    """Yield the missing libraries and versions; golink reads the libraries shipped beside the image too."""
    loading = _Loading(facts=facts, platform=platform, goarch=goarch, packed=packed, images=[Loaded(facts=facts)])
    yield from loading.needed()
    yield from loading.versions()
    found = Present(shipped=loading.shipped, base=frozenset(loading.base), lost=frozenset(loading.lost))
    yield from symbol_obstacles(facts, found, platform, goarch)


@dataclass(kw_only=True, slots=True)
class _Loading:
    """
    The loader's search for all that an image needs on a platform.

    Attributes:
        images: The image, and the libraries beside it that were found, breadth first.
        shipped: The libraries beside it by the names under which they were found.
        base: The names of those that the platform has.
        lost: The names of those that were not found.
    """

    facts: BinaryFacts
    platform: Platform
    goarch: str
    packed: bool
    images: list[Loaded]
    shipped: dict[str, Loaded] = field(default_factory=dict)
    base: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)

    def needed(self) -> Iterator[Obstacle]:
        """Look for each library once, as the loaders do, and yield what is not found."""
        # The list grows on the way.
        for image in self.images:
            for library in image.facts.needed:
                if library.name not in self.shipped and library.name not in self.base | self.lost:
                    yield from self._entry(image, library)

    def _entry(self, image: Loaded, library: NeededLibrary) -> Iterator[Obstacle]:
        libc = self.platform.libc
        if library.name == self.facts.soname and self.facts.kind == "executable" and libc == "glibc":
            yield _itself(self.facts, library)
        if library.via in _OF_GLIBC_AND_SUN and libc in ("musl", "bionic"):
            # The other loaders do not know such entries.
            return
        if library.via in ("DT_FILTER", "DT_AUXILIARY") and image.facts.kind == "executable":
            text = f"{library.name} ({library.via}): glibc's loader may crash on a program with a filter"
            yield Obstacle(text=text, certain=False)
        obstacle = self._found(image, library)
        if obstacle is not None:
            yield obstacle

    def _found(self, image: Loaded, library: NeededLibrary) -> Obstacle | None:
        """Note where a library is, and return what is against that; None where nothing is."""
        there = _is_there(library, self.platform, self.goarch)
        found = None
        # A member of an archive lies in its own folder, with nothing beside it.
        if not self.packed and not (there and _is_loader_s(library, self.facts, self.platform)):
            found = look_beside(library.name, image, self.platform, self.goarch, there=there)
        if isinstance(found, Loaded) and len(self.images) < _MOST_SHIPPED:
            self.images.append(found)
            self.shipped.update(dict.fromkeys((library.name, found.soname or library.name), found))
            return None
        if found is None and there:
            self.base.add(library.name)
            return None
        if found is None and library.via in _OPTIONAL:
            return Obstacle(text=f"{library.name} ({library.via}) is not in the base system", caution=True)
        self.lost.add(library.name)
        if isinstance(found, Obstacle):
            return found
        if found is not None:
            text = f"{library.name}, beside the image, is one of too many to be read"
            return Obstacle(text=text, certain=False)
        return _without_library(image, library, self.platform, self.goarch, packed=self.packed)

    def versions(self) -> Iterator[Obstacle]:
        """Yield the versions and CPU levels that the image and its libraries need, and the platform does not have."""
        elsewhere = {*self.shipped, *self.lost}
        for image in self.images:
            if self.platform.libc == "musl":
                yield from _on_musl(image.facts, self.platform, self.goarch)
                continue
            needs = [need for need in image.facts.version_needs if need.library not in elsewhere]
            yield from _versions(image.facts, needs, self.platform)
            yield from undefined_versions(image.facts, self.shipped)
        for image in self.images[1:]:
            # A library that does not need libc does not show what system it is for.
            for each in cpu_obstacles(replace(image.facts, target=self.facts.target), self.platform):
                if not each.caution:
                    yield replace(each, text=f"{Path(image.facts.path).name}, beside the image, {each.text}")


def _itself(facts: BinaryFacts, library: NeededLibrary) -> Obstacle:
    # Source: glibc's elf/dl-load.c, _dl_map_object: what is loaded already has that name, the program among it.
    return Obstacle(
        text=f"has the DT_SONAME {library.name}, a library that it needs: the loader takes the program for it",
        certain=any(symbol.library == library.name for symbol in facts.imports),
        remedy=("link the program without -soname",),
    )


def _is_loader_s(library: NeededLibrary, facts: BinaryFacts, platform: Platform) -> bool:
    """Whether a library is the loader itself, which is loaded before anything is looked for."""
    if platform.libc == "musl":
        return MUSL_ITSELF.match(library.name) is not None
    return library.name == (facts.interpreter or "").rpartition("/")[2]


def _on_musl(facts: BinaryFacts, platform: Platform, goarch: str) -> Iterator[Obstacle]:
    # musl ignores versions: a symbol of that name is enough (ldso/dynlink.c, find_sym).
    asked = [symbol for symbol in facts.imports if (symbol.version or "").startswith("GLIBC_")]
    version = platform.libc_version or "0"
    own = [
        symbol.name
        for symbol in facts.imports
        if symbol.version is None and not symbol.weak and is_of_some_musls(symbol.name)
    ]
    lost = [name for name in own if not musl_has(name, version, goarch)]
    if lost:
        # It was built where musl has the symbol; the image does not say which musl that was.
        yield Obstacle(
            text=f"calls {listed(lost, most=3)}, which "
            + (f"musl {platform.libc_version} does not have" if platform.libc_version else "not every musl has"),
            certain=platform.libc_version is not None,
            remedy=("build on a system as old as that platform", *static_words(facts)),
        )
    missing = [symbol.name for symbol in asked if not musl_has(symbol.name, version, goarch) and not symbol.weak]
    if missing:
        yield Obstacle(text=f"was linked against glibc: musl has no {listed(missing)}", remedy=static_words(facts))
    elif asked:
        text = "was linked against glibc, whose structures are others than musl's: what starts may still fail"
        yield Obstacle(text=text, caution=True)


def _is_there(library: NeededLibrary, platform: Platform, goarch: str) -> bool:
    if platform.libc == "musl" and MUSL_ITSELF.match(library.name):
        return True
    if platform.goos == "openbsd":
        return openbsd_has(library.name, platform, goarch)
    return platform.has_library(library.name, goarch)


def _without_library(
    image: Loaded, library: NeededLibrary, platform: Platform, goarch: str, *, packed: bool
) -> Obstacle:
    facts = image.facts
    causes = (*cgo_causes(facts), *dynamic_import_causes(facts, of=lambda symbol: symbol.library == library.name))
    path = tuple(folders(image, platform))
    elsewhere = [entry or "the current folder" for entry, folder in path if folder is None]
    other = openbsd_other_version(facts, library, platform, goarch) if platform.goos == "openbsd" else None
    # A library that is not in the base system may be in a folder that DT_RUNPATH names.
    if other is not None and not (other.certain and elsewhere):
        return replace(other, cause=causes)
    if "/" in library.name or elsewhere:
        word = "DT_RUNPATH" if facts.runpath else "DT_RPATH"
        where = f"{word} {listed(elsewhere)}" if elsewhere else "that path"
        text = f"{library.name}: what is in {where} there is not known here"
        return Obstacle(text=text, certain=False, cause=causes)
    if path and packed:
        text = f"{library.name} is not in the base system; what is beside the image in its archive is not looked at"
        return Obstacle(text=text, certain=False, cause=causes)
    beside = ", nor beside the image" if path else ""
    return Obstacle(
        text=f"{library.name} is not in the base system{beside}",
        library=library.name,
        cause=causes,
        remedy=(*static_words(facts), f"or a platform of your own that has {library.name}"),
    )


def _versions(facts: BinaryFacts, needs: list[VersionNeed], platform: Platform) -> Iterator[Obstacle]:
    highest: dict[str, tuple[str, VersionNeed]] = {}
    for need in needs:
        version = symbol_version(need.version)
        if need.version == GLIBC_PRIVATE and platform.libc == "glibc":
            yield _private(facts, need)
            continue
        level = android_level(need.version) if platform.libc == "bionic" else None
        if need.version in _NAMED_VERSIONS:
            prefix, asked = _NAMED_VERSIONS[need.version]
        elif level is not None:
            prefix, asked = "LIBC", str(level)
        elif version is not None:
            prefix, asked = version
        else:
            prefix, asked = "", ""
        has = platform.os_version if prefix == "LIBC" else platform.versions.get(prefix)
        if has is None:
            text = f"needs {need.version} of {need.library}; whether {platform.name} has it is not known here"
            yield Obstacle(text=text, certain=False)
        elif numbers(asked) > numbers(has):
            if need.weak:
                text = f"{need.version} of {need.library} is missing, weakly: the loader warns, and calls may fail"
                yield Obstacle(text=text, caution=True)
            elif prefix not in highest or numbers(asked) > numbers(highest[prefix][0]):
                # Report only the highest: a platform that has it has the lower ones.
                highest[prefix] = (asked, need)
    for prefix, (_, need) in highest.items():
        yield _too_old(facts, need, prefix, platform)


def _private(facts: BinaryFacts, need: VersionNeed) -> Obstacle:
    symbols = [symbol.name for symbol in facts.imports if symbol.version == need.version]
    named = f" ({listed(symbols, most=3)})" if symbols else ""
    return Obstacle(
        text=f"{Path(facts.path).name} needs {GLIBC_PRIVATE} of {need.library}{named}: it fits only the very glibc "
        "that it was made with",
        remedy=("ship no part of a glibc beside the program, and link against public symbols only",),
    )


def _too_old(facts: BinaryFacts, need: VersionNeed, prefix: str, platform: Platform) -> Obstacle:
    symbols = [
        symbol.name
        for symbol in facts.imports
        if symbol.version == need.version and symbol.library in (None, need.library)
    ]
    has = platform.os_version if prefix == "LIBC" else platform.versions[prefix]
    named = f" ({listed(symbols, most=3)})" if symbols else ""
    return Obstacle(
        text=f"needs {need.version}{named}; {platform.name} has {has}",
        cause=(*cgo_causes(facts), *dynamic_import_causes(facts)),
        remedy=() if prefix == "GLIBC" else ("build on a system as old as that platform",),
        glibc=has if prefix == "GLIBC" else None,
        library=None if prefix == "GLIBC" else need.library,
    )


def _cautions(facts: BinaryFacts) -> Iterator[Obstacle]:
    if facts.libc.presence == "embedded" and facts.libc.kind == "glibc" and facts.static_name_service:
        yield Obstacle(
            text=f"{listed(facts.static_name_service, most=3)} in a static glibc loads plug-ins of the glibc that it "
            "was linked with: where those are not, lookups fail or crash",
            caution=True,
        )
    elif facts.linkage == "dynamic" and any(symbol.name in ("dlopen", "dlmopen") for symbol in facts.imports):
        yield Obstacle(text="calls dlopen: what it opens does not show in the image", caution=True)
