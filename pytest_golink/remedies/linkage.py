"""Remedies for C that is linked in, or is not: leave libc, link it in, load an older one, turn cgo on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_golink.remedies.compilers import zig_cc
from pytest_golink.remedies.model import BuildChange, Remedy
from pytest_golink.remedies.tags import PRICES, TAGS, with_tags
from pytest_golink.traits import own_cgo_packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.remedies.model import Case

_RACE_PRICE = "data races are not detected"
_INSIDE_PRICE = "libc is inside: its fixes come with a new build"
_FIXED_ADDRESS_PRICE = "the program itself is loaded at a fixed address"
_LOADED_PRICE = "libc is loaded at run time, no older than the one of the build machine"
# What a package does without its C. Source: src/plugin/plugin_stubs.go.
_WITHOUT_C = {"plugin": "plugin.Open always fails"}
# -race needs no cgo there. Source: cmd/go/internal/work/init.go, "On macOS, -race does not require cgo."
_APPLE = frozenset({"darwin", "ios"})


def leave_libc(case: Case) -> Iterator[Remedy]:
    """Yield what keeps C, and libc with it, out of the image."""
    return _leave_libc(case, pie=False)


def leave_interpreter(case: Case) -> Iterator[Remedy]:
    """Yield what keeps out C and libc, and the interpreter that -buildmode=pie names by itself."""
    return _leave_libc(case, pie=bool(case.facts.hardening.pie))


def _leave_libc(case: Case, *, pie: bool) -> Iterator[Remedy]:
    plain: dict[str, object] = {"buildmode": "exe"} if pie else {}
    if case.facts.cgo.used is False:
        if pie:
            yield Remedy(weight=2, change=BuildChange(options=plain), prices=(_FIXED_ADDRESS_PRICE,))
        return
    own = own_cgo_packages(case.facts)
    tags, prices = with_tags(own or tuple(TAGS), case.options)
    if tags != case.options.tags and all(package in TAGS for package in own):
        yield Remedy(weight=1, change=BuildChange(options={"tags": tags}), prices=prices)
    off, lost = _without_cgo(case)
    yield Remedy(weight=2, change=BuildChange(options=off), prices=lost)
    if pie:
        yield Remedy(weight=3, change=BuildChange(options={**off, **plain}), prices=(*lost, _FIXED_ADDRESS_PRICE))
    if case.facts.target is not None and case.facts.target.goos == "linux" and not opens_libraries(case.facts):
        added = {"tags": tags} if tags != case.options.tags else {}
        yield from _link_libc_in(case.facts, {**plain, **added}, prices if added else (), pie=pie)


def _without_cgo(case: Case) -> tuple[dict[str, object], tuple[str, ...]]:
    """Return the options that turn cgo off, and what the program loses."""
    own = own_cgo_packages(case.facts)
    lost = [PRICES[package] for package in (own or TAGS) if package in TAGS]
    others = [package for package in own if package not in TAGS]
    lost += [_WITHOUT_C.get(package, f"{package} has to do without its C") for package in others]
    options: dict[str, object] = {"cgo": False}
    if case.options.linkmode == "external":
        options["linkmode"] = None
    if case.options.race and (case.facts.target is None or case.facts.target.goos not in _APPLE):
        options["race"] = False
        lost.append(_RACE_PRICE)
    return options, tuple(lost)


def _link_libc_in(
    facts: BinaryFacts, options: Mapping[str, object], prices: tuple[str, ...], *, pie: bool
) -> Iterator[Remedy]:
    static = {"cgo": True, "linkmode": "external", "extldflags": "-static", **options}
    prices = (*prices, _INSIDE_PRICE)
    yield Remedy(weight=4, change=BuildChange(options=static), prices=prices)
    if pie:
        static_pie = {**static, "buildmode": "pie", "extldflags": "-static-pie"}
        yield Remedy(weight=5, change=BuildChange(options=static_pie), prices=prices)
    if musl := zig_cc(facts, "musl"):
        # musl has its own resolver, which needs no tag.
        with_musl = {**{name: value for name, value in static.items() if name != "tags"}, "cc": musl}
        price = "musl's resolver and allocator in place of glibc's"
        yield Remedy(weight=7, change=BuildChange(options=with_musl), prices=(_INSIDE_PRICE, price))


def opens_libraries(facts: BinaryFacts) -> bool:
    """Whether the program opens libraries while it runs."""
    # A static image has no loader to open them with; musl's dlopen links into one, and always fails.
    return any(symbol.name == "dlopen" for symbol in facts.imports) or "dlopen" in facts.static_name_service


def leave_name_service(case: Case) -> Iterator[Remedy]:
    """Yield what keeps glibc's name-service functions out of a static image."""
    if not opens_libraries(case.facts) and "dlopen" not in case.functions:
        yield from leave_libc(case)
        return
    kept = " ".join(flag for flag in case.options.extldflags.split() if flag != "-static")
    if kept != case.options.extldflags:
        change = BuildChange(options={"extldflags": kept})
        yield Remedy(weight=1, change=change, prices=("libc is loaded at run time",))


def older_glibc(case: Case) -> Iterator[Remedy]:
    """Yield what asks for no libc, or for no newer glibc than the rule allows."""
    yield from leave_libc(case)
    yield from _link_to_older_glibc(case)


def _link_to_older_glibc(case: Case) -> Iterator[Remedy]:
    version = case.finding.text("version") or case.finding.text("at-most")
    if version and (compiler := zig_cc(case.facts, f"gnu.{version}")):
        price = f"the build needs zig; C calls nothing newer than glibc {version}"
        yield Remedy(weight=5, change=BuildChange(options={"cgo": True, "cc": compiler}), prices=(price,))


def load_libc(case: Case) -> Iterator[Remedy]:
    """Yield what makes the image load the libc that the rule asks for."""
    if case.facts.libc.presence != "dynamic":
        yield from turn_cgo_on(case)
    # The kind or the floor is wrong: another C compiler, never no libc.
    elif case.finding.text("kind") == "musl":
        yield from load_musl(case.facts)
    else:
        yield from _link_to_older_glibc(case)


def load_musl(facts: BinaryFacts) -> Iterator[Remedy]:
    """Yield the dynamic link to musl."""
    if musl := zig_cc(facts, "musl"):
        dynamic: dict[str, object] = {"cgo": True, "linkmode": "external", "extldflags": "", "cc": f"{musl} -dynamic"}
        price = "the build needs zig; musl's resolver and allocator"
        yield Remedy(weight=7, change=BuildChange(options=dynamic), prices=(price,))


def turn_cgo_on(case: Case) -> Iterator[Remedy]:
    """Yield what links C in, where a package uses cgo, and where none does."""
    if case.options.cgo is not True or case.options.tags:
        kept = tuple(tag for tag in case.options.tags if tag not in TAGS.values())
        yield Remedy(weight=2, change=BuildChange(options={"cgo": True, "tags": kept}), prices=(_LOADED_PRICE,))
    if case.options.linkmode != "external":
        external = BuildChange(options={"cgo": True, "linkmode": "external"})
        yield Remedy(weight=4, change=external, prices=(_LOADED_PRICE,))


def change_link_mode(case: Case) -> Iterator[Remedy]:
    """Yield what makes the C linker link the image, or keeps it away."""
    if case.finding.text("mode") == "external":
        external = BuildChange(options={"cgo": True, "linkmode": "external"})
        yield Remedy(weight=2, change=external, prices=("the build needs a C compiler",))
        return
    if case.options.linkmode == "external":
        yield Remedy(weight=1, change=BuildChange(options={"linkmode": None, "extldflags": ""}))
    for remedy in leave_libc(case):
        if remedy.change is not None and remedy.change.options.get("linkmode") != "external":
            yield remedy
