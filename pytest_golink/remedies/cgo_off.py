"""The build with cgo off: whether there is one, in words, as a change, and what the program loses by it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.findings import Loss
from pytest_golink.remedies.linker_flags import linkmode_of
from pytest_golink.remedies.tags import PRICES, TAGS, linked_in
from pytest_golink.text.words import listed
from pytest_golink.traits import is_race, own_cgo_packages, setting, uses_boring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import BinaryFacts

RACE_PRICE = "data races are not detected"
# What a package does without its C. Source: src/plugin/plugin_stubs.go.
_WITHOUT_C = {"plugin": "plugin.Open always fails"}
# -race needs no cgo there. Source: cmd/go/internal/work/init.go, "On macOS, -race does not require cgo."
_APPLE = frozenset({"darwin", "ios"})
# Build modes that only the C linker makes.
# Source: cmd/link/internal/ld/config.go, mustLinkExternal.
_LINKED_BY_C = frozenset({"c-archive", "c-shared", "plugin", "shared"})
# Ports for which Go itself links a PIE. Source: internal/platform/supported.go, InternalLinkPIESupported.
_OWN_PIE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "android": frozenset({"arm64"}),
        "darwin": frozenset({"amd64", "arm64"}),
        "linux": frozenset({"amd64", "arm64", "loong64", "ppc64le", "riscv64", "s390x"}),
        "windows": frozenset({"386", "amd64", "arm", "arm64"}),
    }
)


def why_cgo_is_needed(facts: BinaryFacts, options: BuildOptions) -> str:
    """Return why Go does not build the image with cgo off, whatever its packages do; "" where it may."""
    buildmode = options.buildmode or setting(facts, "-buildmode")
    if buildmode in _LINKED_BY_C:
        return f"-buildmode={buildmode} needs cgo: only the C compiler's linker makes it"
    for kind in ("msan", "asan"):
        if setting(facts, f"-{kind}") == "true":
            return f"-{kind} needs cgo"
    target = facts.target
    if target is not None and target.goos == "android" and target.goarch != "arm64":
        # Source: internal/platform/supported.go, MustLinkExternal.
        return f"{target} needs cgo: only the C compiler's linker makes its programs"
    return ""


def loses_pie(facts: BinaryFacts, options: BuildOptions) -> bool:
    """Return whether the build asks for a PIE that Go cannot link by itself on this port."""
    asked = (options.buildmode or setting(facts, "-buildmode")) == "pie"
    return asked and facts.target is not None and facts.target.goarch not in _OWN_PIE.get(facts.target.goos, ())


def words_without_cgo(facts: BinaryFacts) -> str:
    """Return how the same program is built without runtime/cgo."""
    if uses_boring(facts):
        return "no flag: BoringCrypto is C, and with CGO_ENABLED=0 the program silently does without it"
    own = own_cgo_packages(facts)
    others = [package for package in own if package not in TAGS]
    race = " without -race" if is_race(facts) else ""
    if others:
        return f"CGO_ENABLED=0{race}, where {listed(others)} can do without cgo"
    if race:
        return "CGO_ENABLED=0, without -race, which needs cgo"
    if facts.link_mode == "external":
        # A forced external link brings runtime/cgo in whatever the packages do.
        return "CGO_ENABLED=0, without -linkmode external"
    if facts.link_mode != "internal":
        return "CGO_ENABLED=0"
    # Go links cgo by itself only for its own packages, and these two have a tag.
    return f"CGO_ENABLED=0, or -tags {','.join(TAGS[package] for package in own or TAGS)}"


def without_cgo(facts: BinaryFacts, options: BuildOptions) -> tuple[dict[str, object], tuple[str, ...], Loss]:
    """Return the options that turn cgo off, and what the program loses."""
    own = own_cgo_packages(facts)
    lost = [PRICES[package] for package in linked_in(facts)]
    others = [package for package in own if package not in TAGS]
    lost += [_WITHOUT_C.get(package, f"{package} has to do without its C") for package in others]
    off: dict[str, object] = {"cgo": False}
    if linkmode_of(options) == "external":
        # Go refuses the pair: "-linkmode requires external (cgo) linking".
        off["linkmode"] = None
    if options.race and (facts.target is None or facts.target.goos not in _APPLE):
        off["race"] = False
        lost.append(RACE_PRICE)
    if loses_pie(facts, options):
        off["buildmode"] = "exe"
    return off, tuple(lost), Loss.UNKNOWN if others else Loss.EXCHANGED
