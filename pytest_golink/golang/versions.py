"""
Go's versions: their order, and the release of each version.

Source: Go's src/internal/gover/gover.go, go/version's documentation.
"""

from __future__ import annotations

import re

# "go1.22rc1", "go1.22.1", "go1.20.3-fips", "go1.22.1 X:boringcrypto", "go1.24.4 (Red Hat 1.24.4-2.el10)". A vendor's
# suffix is not part of Go's order.
_VERSION = re.compile(r"(?:go)?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9})|(alpha|beta|rc)(\d{1,9}))?(?=$|[-+ ])")
_STAGES = {"alpha": 0, "beta": 1, "rc": 2}
# A release comes after alpha, beta and rc.
RELEASED = 3
# From this version on, "go1.21" is the language and "go1.21.0" the first release.
_FIRST_WITH_PATCH_0 = (1, 21)
# "devel go1.28-3f4a2b1 Mon …": the release in development.
_RELEASE = re.compile(r"(?:devel )?go1\.(\d{1,4})(?:\.(\d{1,4}))?")


def version_key(version: str) -> tuple[int, int, int, int] | None:
    """
    Return a Go version's place in the order of Go's releases, None for a version without a place ("devel go1.28-…").

    go1.21 is the language version and stands before go1.21rc1 and go1.21.0; up to Go 1.20 it is the first release.
    """
    match = _VERSION.match(version)
    if match is None:
        return None
    major, minor = int(match[1]), int(match[2] or 0)
    if match[4]:
        return major, minor, _STAGES[match[4]], int(match[5])
    if match[3] is None and (major, minor) >= _FIRST_WITH_PATCH_0:
        return major, minor, -1, 0
    return major, minor, RELEASED, int(match[3] or 0)


def release_of(version: str | None) -> tuple[int, int] | None:
    """Return (27, 3) for "go1.27.3", (27, 0) for "go1.27" and "devel go1.27-…"; None where a version names none."""
    match = _RELEASE.match(version or "")
    return None if match is None else (int(match[1]), int(match[2] or 0))
