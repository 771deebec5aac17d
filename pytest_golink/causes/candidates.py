"""Changes of a build that may mend a violation, the smaller ones first, each with what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_golink.rules.origin import own_cgo_packages
from pytest_golink.rules.remedies import zig_cc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_golink.build.options import BuildOptions
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

_NETGO_PRICE = "Go's own resolver knows nothing of nsswitch.conf's modules, mDNS or macOS's scoped DNS"
_OSUSERGO_PRICE = "os/user reads /etc/passwd and /etc/group, and sees no users of LDAP, sssd or AD"
_STRIP_PRICE = "no symbols and DWARF for debuggers; tracebacks stay whole"
# The build tag that keeps a standard package off C, and what the program loses by it.
# Source: the build constraints of net/cgo_stub.go and os/user/lookup_stubs.go.
_TAGS = {"net": ("netgo", _NETGO_PRICE), "os/user": ("osusergo", _OSUSERGO_PRICE)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """
    One change of a build.

    `weight` orders candidates by how much they change. `options` are the build options that it sets, `environment` the
    variables. `prices` say what the program, or its build, loses by it.
    """

    weight: int
    options: Mapping[str, object] = field(default_factory=dict)
    environment: tuple[tuple[str, str], ...] = ()
    prices: tuple[str, ...] = ()

    def applied(self, options: BuildOptions) -> BuildOptions:
        """Give the options of a build with this change made."""
        environment = {**dict(options.env), **dict(self.environment)}
        if "cgo" in self.options:
            # An option and a variable must not contradict each other.
            environment.pop("CGO_ENABLED", None)
        if "cc" in self.options:
            environment.pop("CC", None)
        return replace(options, **self.options, env=tuple(sorted(environment.items())))  # type: ignore[arg-type]


def candidates(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> tuple[Candidate, ...]:
    """
    Give the changes that may mend a violation, the smaller ones first; () for a rule that no change of a build mends.

    Args:
        finding: The violation.
        facts: The image that shows it.
        options: The build that made the image.
    """
    find = _BY_RULE.get(finding.rule)
    found = () if find is None else find(finding, facts, options)
    return tuple(sorted(found, key=lambda candidate: candidate.weight))


def _leave_libc(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    own = own_cgo_packages(facts)
    tags, prices = _tags(own or tuple(_TAGS), options)
    pie = "buildmode" if facts.hardening.pie and finding.rule in _NO_INTERPRETER else None
    plain: dict[str, object] = {"buildmode": "exe"} if pie else {}
    no_randomisation = ("the program itself is loaded at a fixed address",) if pie else ()
    if facts.cgo.used is False:
        if pie:
            yield Candidate(weight=2, options=plain, prices=no_randomisation)
        return
    if tags != options.tags and all(package in _TAGS for package in own):
        yield Candidate(weight=1, options={"tags": tags}, prices=prices)
    if not options.race:
        lost = tuple(_TAGS[package][1] for package in (own or _TAGS) if package in _TAGS)
        others = [package for package in own if package not in _TAGS]
        lost += tuple(f"{package} has to do without its C" for package in others)
        off: dict[str, object] = {"cgo": False, **({"linkmode": None} if options.linkmode == "external" else {})}
        yield Candidate(weight=2, options=off, prices=lost)
        if pie:
            yield Candidate(weight=3, options={**off, **plain}, prices=(*lost, *no_randomisation))
    if facts.target is None or facts.target.goos != "linux":
        return
    static: dict[str, object] = {"cgo": True, "linkmode": "external", "extldflags": "-static", **plain}
    inside = "libc is inside: its fixes come with a new build"
    with_tags: dict[str, object] = {"tags": tags} if tags != options.tags else {}
    yield Candidate(weight=4, options={**static, **with_tags}, prices=(*(prices if with_tags else ()), inside))
    if pie:
        yield Candidate(
            weight=5,
            options={**static, "buildmode": "pie", "extldflags": "-static-pie", **with_tags},
            prices=(*(prices if with_tags else ()), inside),
        )
    if musl := zig_cc(facts, "musl"):
        yield Candidate(
            weight=7,
            options={**static, "cc": musl},
            prices=(inside, "musl's resolver and allocator in place of glibc's"),
        )


_NO_INTERPRETER = frozenset(
    {"static", "self-contained", "no-interpreter", "starts-alone", "runs-on", "ignores-preload"}
)


def _tags(packages: tuple[str, ...], options: BuildOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    added = [_TAGS[package] for package in packages if package in _TAGS and _TAGS[package][0] not in options.tags]
    return (*options.tags, *(tag for tag, _ in added)), tuple(price for _, price in added)


def _older_glibc(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    yield from _leave_libc(finding, facts, options)
    asked = dict(finding.parameters)
    for version in (asked.get("version"), asked.get("at-most")):
        if version and (compiler := zig_cc(facts, f"gnu.{version}")):
            price = f"the build needs zig; C calls nothing newer than glibc {version}"
            yield Candidate(weight=5, options={"cgo": True, "cc": compiler}, prices=(price,))


def _needs_libc(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if facts.libc.presence == "dynamic":
        # The kind or the floor is wrong: another C compiler, never no libc.
        yield from (each for each in _older_glibc(finding, facts, options) if "cc" in each.options)
    else:
        yield from _turn_cgo_on(finding, facts, options)


def _turn_cgo_on(_finding: Finding, _facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    price = ("libc is loaded at run time, no older than the one of the build machine",)
    if options.cgo is not True or options.tags:
        kept = tuple(tag for tag in options.tags if tag not in ("netgo", "osusergo"))
        yield Candidate(weight=2, options={"cgo": True, "tags": kept}, prices=price)
    if options.linkmode != "external":
        yield Candidate(weight=4, options={"cgo": True, "linkmode": "external"}, prices=price)


def _resolver(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    kind = dict(finding.parameters)["kind"]
    if kind in ("go", "files"):
        tag, price = _TAGS["net" if kind == "go" else "os/user"]
        yield Candidate(weight=1, options={"tags": (*options.tags, tag)}, prices=(price,))
        yield Candidate(weight=2, options={"cgo": False}, prices=(price,))
    elif "cgo" in kind or kind == "system":
        yield from _turn_cgo_on(finding, facts, options)


def _linkmode(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if dict(finding.parameters)["mode"] == "external":
        yield Candidate(
            weight=2, options={"cgo": True, "linkmode": "external"}, prices=("the build needs a C compiler",)
        )
        return
    if options.linkmode == "external":
        yield Candidate(weight=1, options={"linkmode": None, "extldflags": ""})
    yield from (each for each in _leave_libc(finding, facts, options) if each.options.get("linkmode") != "external")


def _strip(_finding: Finding, _facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    given = options.ldflags.split()
    missing = " ".join(flag for flag in ("-s", "-w") if flag not in given)
    if missing:
        yield Candidate(weight=1, options={"ldflags": f"{options.ldflags} {missing}".strip()}, prices=(_STRIP_PRICE,))


def _keep_symbols(_finding: Finding, _facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    kept = " ".join(flag for flag in options.ldflags.split() if flag not in ("-s", "-w"))
    if kept != options.ldflags:
        yield Candidate(weight=1, options={"ldflags": kept}, prices=("a larger file",))


def _trim_paths(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    trim = Candidate(weight=1, options={"trimpath": True}, prices=("debuggers must be told where the source is",))
    if not options.trimpath:
        yield trim
    for strip in _strip(finding, facts, options):
        yield Candidate(weight=2, options={**trim.options, **strip.options}, prices=(*trim.prices, *strip.prices))


def _no_race(_finding: Finding, _facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if options.race:
        yield Candidate(weight=1, options={"race": False})


def _pie(_finding: Finding, facts: BinaryFacts, _options: BuildOptions) -> Iterator[Candidate]:
    yield Candidate(weight=1, options={"buildmode": "pie"}, prices=("an interpreter is named, even without cgo",))
    if facts.target is not None and facts.target.goos == "linux":
        static = {"buildmode": "pie", "cgo": True, "linkmode": "external", "extldflags": "-static-pie"}
        yield Candidate(weight=3, options=static, prices=("the build needs a C compiler",))


def _relro(_finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if facts.link_mode == "external":
        flags = f"{options.extldflags} -Wl,-z,relro,-z,now".strip()
        yield Candidate(weight=1, options={"extldflags": flags})
    else:
        # Source: cmd/link's flag -bindnow, since Go 1.22.
        pie = {"buildmode": "pie", "ldflags": f"{options.ldflags} -bindnow".strip()}
        yield Candidate(weight=2, options=pie, prices=("an interpreter is named, even without cgo",))


def _older_cpu(finding: Finding, facts: BinaryFacts, _options: BuildOptions) -> Iterator[Candidate]:
    level = dict(finding.parameters)["level"]
    if facts.target is not None:
        variable = "GO" + facts.target.goarch.upper()
        yield Candidate(weight=1, environment=((variable, level),), prices=("newer CPU instructions stay unused",))


_BY_RULE: Mapping[str, Callable[[Finding, BinaryFacts, BuildOptions], Iterator[Candidate]]] = {
    **dict.fromkeys(
        (
            "static", "self-contained", "no-libc", "only-needs", "no-interpreter", "interpreter", "no-imports",
            "no-cgo", "no-getaddrinfo-warning", "no-link-warnings", "only-cgo-packages", "runs-on", "starts-alone",
            "ignores-preload",
        ),
        _leave_libc,
    ),
    "glibc-at-most": _older_glibc,
    "needs-libc": _needs_libc,
    **dict.fromkeys(("dynamic", "needs", "imports"), _turn_cgo_on),
    **dict.fromkeys(("resolver", "user-lookup"), _resolver),
    "linkmode": _linkmode,
    **dict.fromkeys(("stripped", "no-dwarf", "max-size"), _strip),
    "not-stripped": _keep_symbols,
    "no-build-paths": _trim_paths,
    "reproducible": _trim_paths,
    "no-instrumentation": _no_race,
    "pie": _pie,
    "relro": _relro,
    "cpu-at-most": _older_cpu,
}  # fmt: skip
