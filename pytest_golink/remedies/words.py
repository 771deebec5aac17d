"""
The build flags that would satisfy a rule, for the image at hand.

Each was tried with Go 1.27 and gcc or zig; a flag that does nothing for this image is not named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.tags import TAGS
from pytest_golink.text.words import listed
from pytest_golink.traits import always_dynamic, is_plain_pie, is_race, own_cgo_packages, setting, uses_boring

if TYPE_CHECKING:
    from pytest_golink.facts import BinaryFacts

EXTERNAL_STATIC = "-ldflags '-linkmode external -extldflags \"-static\"'"
STATIC_PIE = "CGO_ENABLED=1 -buildmode=pie -ldflags '-linkmode external -extldflags \"-static-pie\"'"


def tags_for(facts: BinaryFacts) -> str | None:
    """Give the tags that take cgo out of every package that uses it, None where tags cannot."""
    own = own_cgo_packages(facts)
    if not own or any(package not in TAGS for package in own):
        return None
    return f"-tags {','.join(TAGS[package] for package in own)}"


def without_cgo(facts: BinaryFacts) -> tuple[str, ...]:
    """Say how the same program is built without runtime/cgo."""
    if uses_boring(facts):
        return ("no flag: BoringCrypto is C, and with CGO_ENABLED=0 the program silently does without it",)
    tags = tags_for(facts)
    own = own_cgo_packages(facts)
    if is_race(facts) and (tags or not own):
        return ("CGO_ENABLED=0, without -race, which needs cgo",)
    if tags and facts.link_mode == "internal":
        return (f"CGO_ENABLED=0, or {tags}",)
    if not own and facts.link_mode == "internal":
        # Go links cgo by itself for packages of its own alone, and these two have a tag.
        return ("CGO_ENABLED=0, or -tags netgo,osusergo",)
    if tags or not own:
        # A forced external link brings runtime/cgo in whatever the packages do.
        return ("CGO_ENABLED=0, without -linkmode external",) if facts.link_mode == "external" else ("CGO_ENABLED=0",)
    others = [package for package in own if package not in TAGS]
    return (f"CGO_ENABLED=0{' without -race' if is_race(facts) else ''}, where {listed(others)} can do without cgo",)


def make_static(facts: BinaryFacts) -> tuple[str, ...]:
    """Say how the same program becomes static; nothing where its platform does not allow that."""
    if always_dynamic(facts):
        return ()
    if facts.kind == "shared-library":
        return ("a shared library cannot be static: build the program with it, or ask only-needs of it",)
    if facts.go is None:
        return ("link it with -static, or -static-pie",)
    if is_plain_pie(facts):
        remedy = ["build without -buildmode=pie"]
        if facts.target and facts.target.goos == "linux":
            remedy.append(f"or a static-pie, with a C compiler: {STATIC_PIE}")
        return tuple(remedy)
    if not facts.cgo.used:
        if facts.cgo.dynamic_imports:
            return ("no flag: build without the package that has this directive (-ldflags=-d makes it a link error)",)
        return ()
    return _without_libc(facts)


def _without_libc(facts: BinaryFacts) -> tuple[str, ...]:
    own = own_cgo_packages(facts)
    if "plugin" in own:
        return (
            "none for a program that opens plugins: a static one has no loader to open them with",
            "with CGO_ENABLED=0 package plugin builds, and plugin.Open always fails",
        )
    remedy = list(without_cgo(facts))
    if setting(facts, "-buildmode") == "pie" and not uses_boring(facts):
        remedy.append("and without -buildmode=pie, which names an interpreter by itself")
    if tags_for(facts) or not own:
        if facts.link_mode == "internal" or is_race(facts):
            return tuple(remedy)
    elif any(symbol.name == "dlopen" for symbol in facts.imports):
        return (*remedy, "none else for C that calls dlopen: a static image has no loader to open libraries with")
    tags = [TAGS[package] for package in own if package in TAGS]
    # Without the tags glibc's name-service functions come with it, and load shared libraries all the same.
    flags = f"-tags {','.join(tags)} " if tags else ""
    remedy.append(f"or link libc in: {flags}{EXTERNAL_STATIC}")
    zig = zig_cc(facts, "musl")
    if zig:
        remedy.append(f'or link musl in: CC="{zig}" CGO_ENABLED=1 {EXTERNAL_STATIC}')
    return tuple(remedy)


def older_glibc_words(facts: BinaryFacts, version: str) -> tuple[str, ...]:
    """Say how the same program asks for no newer glibc than `version`."""
    remedy = []
    if facts.go is not None and facts.cgo.used and (tags_for(facts) or not own_cgo_packages(facts)):
        remedy.append(without_cgo(facts)[0] + ": no libc is needed at all")
    zig = zig_cc(facts, f"gnu.{version}")
    if zig:
        remedy.append(f'{"or " if remedy else ""}link against that glibc: CC="{zig}" CGO_ENABLED=1')
    remedy.append(f"{'or ' if remedy else ''}build on a system whose glibc is {version} or older")
    return tuple(remedy)
