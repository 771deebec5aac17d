"""The build tags that keep packages off C, and what they cost."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.traits import own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import BinaryFacts

# The build tag with which a standard package does not call libc.
# Source: the build constraints of net/cgo_stub.go and os/user/lookup_stubs.go.
TAGS: Mapping[str, str] = MappingProxyType({"net": "netgo", "os/user": "osusergo"})
# What the program loses by the tag.
PRICES: Mapping[str, str] = MappingProxyType(
    {
        "net": "Go's own resolver knows nothing of nsswitch.conf's modules, mDNS or macOS's scoped DNS",
        "os/user": "os/user reads /etc/passwd and /etc/group, and sees no users of LDAP, sssd or AD",
    }
)
# Packages whose C opens libraries while the program runs, the tag that compiles that out, and what is lost.
# Source: sqlite3_omit_load_extension.go of github.com/mattn/go-sqlite3.
_WITHOUT_DLOPEN: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"github.com/mattn/go-sqlite3": ("sqlite_omit_load_extension", "SQLite loads no extensions")}
)


def linked_in(facts: BinaryFacts) -> tuple[str, ...]:
    """Return which of the packages with a tag are in the image: with their C, or as far as the image tells at all."""
    own = own_cgo_packages(facts)
    if own:
        return tuple(package for package in own if package in TAGS)
    absent = {
        "net": facts.resolver == ("none",),
        "os/user": facts.content.user_lookup == ("none",),
    }
    return tuple(package for package in TAGS if not absent[package])


def tags_for(packages: Iterable[str], options: BuildOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags that keep these packages off C and that a build lacks, and what the program loses by them."""
    added = [package for package in packages if package in TAGS and TAGS[package] not in options.tags]
    return tuple(TAGS[package] for package in added), tuple(PRICES[package] for package in added)


def tags_without_dlopen(packages: Iterable[str], options: BuildOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags that keep these packages' C from opening libraries, and their prices; () where one has none."""
    known = [_WITHOUT_DLOPEN.get(package) for package in packages if package not in TAGS]
    if not known or None in known:
        return (), ()
    lacking = [pair for pair in known if pair is not None and pair[0] not in options.tags]
    return tuple(tag for tag, _ in lacking), tuple(price for _, price in lacking)
