"""
What ELF's loader asks of a platform before a program starts, in its own order.

PT_INTERP is found by the kernel, each DT_NEEDED by the loader, and each version need in the library that it names.

Source: ld.so(8); System V gABI, chapter 5; musl's ldso/dynlink.c.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import cgo_causes, dynamic_causes, dynamic_import_causes
from pytest_golink.diagnosis.remedies import make_static
from pytest_golink.loader.elf_search import Loaded, folders, look_beside, undefined_symbols, undefined_versions
from pytest_golink.loader.elf_systems import android_level, openbsd_has, openbsd_other_version, system_obstacles
from pytest_golink.loader.obstacles import Obstacle, cpu_obstacles
from pytest_golink.platforms.musl import is_of_some_musls, musl_has
from pytest_golink.reader.libc import ABI_VERSIONS
from pytest_golink.text.versions import numbers, symbol_version
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts, NeededLibrary, VersionNeed
    from pytest_golink.platforms import Platform

# musl is each of these itself, whatever follows the name: "libc.so.6" and "libpthread.so.0" too.
# Source: musl's ldso/dynlink.c, load_library: the reserved names.
_MUSL_ITSELF = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.")
# What a glibc before 2.34 has in a library of its own, of what Go programs and purego call.
# Source: glibc 2.34's NEWS; `readelf --dyn-syms` of Debian 11's libc6.
_BEFORE_2_34: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "libdl.so.2": frozenset({"dlopen", "dlsym", "dlclose", "dlerror", "dladdr", "dlvsym", "dlinfo"}),
        "libpthread.so.0": frozenset(
            {"pthread_create", "pthread_join", "pthread_detach", "pthread_key_create", "pthread_setspecific"}
            | {"pthread_getspecific", "pthread_once", "pthread_kill", "sem_init", "sem_post", "sem_wait"}
            | {"pthread_key_delete", "pthread_cancel", "pthread_sigmask", "pthread_setname_np", "pthread_getattr_np"}
            | {"pthread_attr_getstack", "pthread_attr_getstacksize", "pthread_attr_setstacksize"}
        ),
        "libresolv.so.2": frozenset({"__res_search", "__res_nsearch", "__res_query", "__dn_expand"}),
        "librt.so.1": frozenset({"shm_open", "shm_unlink", "mq_open", "timer_create", "timer_settime", "timer_delete"}),
        "libutil.so.1": frozenset({"openpty", "forkpty", "login_tty"}),
    }
)
_MERGED = (2, 34)
# Libraries that need no other one of those.
_OWN_OF_GLIBC = frozenset({"libc.so.6", "libm.so.6", *_BEFORE_2_34})
# Versions without a number, and the prefix and number of what came with them.
# Source: the symbols file of Debian's libstdc++6: GCC 4.7 and GCC 5; gcc's libstdc++-v3/config/abi/pre/gnu.ver.
_NAMED_VERSIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {name: ("GLIBC", version) for name, version in ABI_VERSIONS.items()}
    | {"CXXABI_TM_1": ("CXXABI", "1.3.6"), "CXXABI_FLOAT128": ("CXXABI", "1.3.9")}
)
# Libraries beside the image that are read: a program that ships more of them is looked at no further.
_MOST_SHIPPED = 64


def elf_obstacles(facts: BinaryFacts, platform: Platform, *, packed: bool = False) -> Iterator[Obstacle]:
    """
    Yield what the loader will miss on the platform, and what may fail later.

    Args:
        facts: Of the image.
        platform: Where it is to start.
        packed: Whether the image was taken out of an archive: what is beside it there cannot be looked at.
    """
    for reason in facts.elf.crashes if facts.elf else ():
        yield Obstacle(text=reason)
    goarch = facts.target.goarch if facts.target else ""
    # "//lib64/ld.so" and "/lib64/../lib64/ld.so" are one path.
    loader = re.sub(r"^//+", "/", posixpath.normpath(facts.interpreter or "/"))
    if facts.interpreter is not None and not platform.has_loader(loader, goarch):
        yield _without_loader(facts, platform, goarch)
        return
    yield from system_obstacles(facts, platform)
    if facts.linkage == "dynamic":
        yield from _libraries(facts, platform, goarch, packed=packed)
    yield from _cautions(facts)


def _without_loader(facts: BinaryFacts, platform: Platform, goarch: str) -> Obstacle:
    path = facts.interpreter or ""
    if path and not path.startswith("/"):
        text = f"PT_INTERP {path}: it depends on the current folder whether that is there"
        return Obstacle(text=text, certain=False, cause=dynamic_causes(facts), remedy=make_static(facts))
    if path.startswith("/nix/store/"):
        if platform.family == "nixos":
            return Obstacle(text=f"PT_INTERP {path}: which store paths are there, nobody can say", certain=False)
        why = "that folder is NixOS's own"
    elif platform.note:
        why = platform.note
    elif goarch in platform.loaders:
        why = f"its loader is {platform.libc}'s {listed(platform.loaders[goarch])}"
    else:
        why = "there is no loader"
    return Obstacle(
        text=f"PT_INTERP {path} is not there: {why}", cause=dynamic_causes(facts), remedy=make_static(facts)
    )


def _libraries(facts: BinaryFacts, platform: Platform, goarch: str, *, packed: bool) -> Iterator[Obstacle]:
    """Yield the libraries and versions that are missing; a library that is shipped beside the image is read too."""
    images = [Loaded(facts=facts)]
    shipped: dict[str, Loaded] = {}
    base: set[str] = set()
    lost: set[str] = set()
    # The list grows on the way. Breadth first, as loaders go: a library that was found once is not looked for again.
    for image in images:
        for library in image.facts.needed:
            if library.name in shipped or library.name in base or library.name in lost:
                continue
            there = _is_there(library, platform, goarch)
            found = None
            if not (there and _is_loader_s(library, facts, platform)):
                found = look_beside(library.name, image, platform, goarch, there=there)
            if isinstance(found, Loaded) and len(images) < _MOST_SHIPPED:
                images.append(found)
                shipped.update(dict.fromkeys((library.name, found.soname or library.name), found))
            elif found is not None:
                lost.add(library.name)
                text = f"{library.name}, beside the image, is one of too many to be read"
                yield found if isinstance(found, Obstacle) else Obstacle(text=text, certain=False)
            elif there:
                base.add(library.name)
            else:
                lost.add(library.name)
                yield _without_library(image, library, platform, goarch, packed=packed)
    for image in images:
        if platform.libc == "musl":
            yield from _on_musl(image.facts, platform, goarch)
        else:
            elsewhere = {*shipped, *lost}
            needs = [need for need in image.facts.version_needs if need.library not in elsewhere]
            yield from _versions(image.facts, needs, platform)
            yield from undefined_versions(image.facts, shipped)
    for image in images[1:]:
        # A library without libc does not say what system it is for.
        for each in cpu_obstacles(replace(image.facts, target=facts.target), platform):
            if not each.caution:
                yield replace(each, text=f"{Path(image.facts.path).name}, beside the image, {each.text}")
    others = _others({*base, *lost}, facts, platform)
    if not others:
        yield from undefined_symbols(facts, shipped, platform, goarch)
    yield from _undeclared(facts, {*shipped, *base, *lost}, platform, certain=not others and not shipped)


def _others(names: set[str], facts: BinaryFacts, platform: Platform) -> set[str]:
    """Give what is neither the loader nor the C library's own: what such a library has, and needs, is not known."""
    rest = names - {(facts.interpreter or "").rpartition("/")[2]}
    if platform.libc == "musl":
        return {name for name in rest if not _MUSL_ITSELF.match(name)}
    return rest - _OWN_OF_GLIBC


def _is_loader_s(library: NeededLibrary, facts: BinaryFacts, platform: Platform) -> bool:
    """Whether a library is the loader itself, which is loaded before anything is looked for."""
    if platform.libc == "musl":
        return _MUSL_ITSELF.match(library.name) is not None
    return library.name == (facts.interpreter or "").rpartition("/")[2]


def _on_musl(facts: BinaryFacts, platform: Platform, goarch: str) -> Iterator[Obstacle]:
    # musl takes no notice of versions: a symbol of that name is enough (ldso/dynlink.c, find_sym).
    asked = [symbol for symbol in facts.imports if (symbol.version or "").startswith("GLIBC_")]
    version = platform.libc_version or "0"
    own = [
        symbol.name
        for symbol in facts.imports
        if symbol.version is None and not symbol.weak and is_of_some_musls(symbol.name)
    ]
    lost = [name for name in own if not musl_has(name, version, goarch)]
    if lost:
        # Built where musl has it: nothing in the image says which musl that was.
        yield Obstacle(
            text=f"calls {listed(lost, most=3)}, which "
            + (f"musl {platform.libc_version} does not have" if platform.libc_version else "not every musl has"),
            certain=platform.libc_version is not None,
            remedy=("build on a system as old as that platform", *make_static(facts)),
        )
    missing = [symbol.name for symbol in asked if not musl_has(symbol.name, version, goarch) and not symbol.weak]
    if missing:
        yield Obstacle(text=f"was linked against glibc: musl has no {listed(missing)}", remedy=make_static(facts))
    elif asked:
        text = "was linked against glibc, whose structures are others than musl's: what starts may still fail"
        yield Obstacle(text=text, caution=True)


def _is_there(library: NeededLibrary, platform: Platform, goarch: str) -> bool:
    if platform.libc == "musl" and _MUSL_ITSELF.match(library.name):
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
    # A library that is certainly not in the base system may be in a folder that DT_RUNPATH names.
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
        cause=causes,
        remedy=(*make_static(facts), f"or a platform of your own that has {library.name}"),
    )


def _versions(facts: BinaryFacts, needs: list[VersionNeed], platform: Platform) -> Iterator[Obstacle]:
    highest: dict[str, tuple[str, VersionNeed]] = {}
    for need in needs:
        version = symbol_version(need.version)
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
                # The highest alone: what has it has those before.
                highest[prefix] = (asked, need)
    for prefix, (_, need) in highest.items():
        yield _too_old(facts, need, prefix, platform)


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
    )


def _undeclared(facts: BinaryFacts, loaded: set[str], platform: Platform, *, certain: bool) -> Iterator[Obstacle]:
    """Yield what is called without a version, and is in no library that is loaded there."""
    if platform.libc != "glibc" or platform.libc_version is None or numbers(platform.libc_version) >= _MERGED:
        return
    for library, names in _BEFORE_2_34.items():
        found = [each.name for each in facts.imports if each.name in names and each.version is None and not each.weak]
        if found and library not in loaded:
            yield Obstacle(
                text=f"calls {listed(found, most=3)} without needing {library}, where glibc {platform.libc_version} "
                "has it",
                cause=tuple(dynamic_import_causes(facts)),
                remedy=(f"link with -l{library.removeprefix('lib').partition('.')[0]}",),
                certain=certain,
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
