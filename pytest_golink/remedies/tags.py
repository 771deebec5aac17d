"""The build tags that keep packages of the standard library off C, and what they cost."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.builder.options import BuildOptions

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


def with_tags(packages: tuple[str, ...], options: BuildOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the build's tags with those that keep these packages off C, and what the program loses by the new ones."""
    added = [package for package in packages if package in TAGS and TAGS[package] not in options.tags]
    return (*options.tags, *(TAGS[package] for package in added)), tuple(PRICES[package] for package in added)
