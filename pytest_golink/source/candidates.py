"""Changes of a build that may mend a violation, the smaller ones first, each with what it costs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_golink.diagnosis.origin import own_cgo_packages
from pytest_golink.diagnosis.remedies import TAGS, zig_cc
from pytest_golink.golang.cpu import cpu_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_golink.builder.options import BuildOptions
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

_NETGO_PRICE = "Go's own resolver knows nothing of nsswitch.conf's modules, mDNS or macOS's scoped DNS"
_OSUSERGO_PRICE = "os/user reads /etc/passwd and /etc/group, and sees no users of LDAP, sssd or AD"
_RACE_PRICE = "data races are not detected"
_STRIP_PRICE = "no symbols and DWARF for debuggers; tracebacks stay whole"
# What the program loses by the tag that keeps a standard package off C.
_PRICES = {"net": _NETGO_PRICE, "os/user": _OSUSERGO_PRICE}

# Source: src/plugin/plugin_stubs.go.
_WITHOUT_C = {"plugin": "plugin.Open always fails"}

# Package net and os/user call libSystem there, with cgo and without.
_APPLE = frozenset({"darwin", "ios"})


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
    tags, prices = _tags(own or tuple(TAGS), options)
    pie = bool(facts.hardening.pie) and finding.rule in _NO_INTERPRETER
    plain: dict[str, object] = {"buildmode": "exe"} if pie else {}
    no_randomisation = ("the program itself is loaded at a fixed address",) if pie else ()
    if facts.cgo.used is False:
        if pie:
            yield Candidate(weight=2, options=plain, prices=no_randomisation)
        return
    if tags != options.tags and all(package in TAGS for package in own):
        yield Candidate(weight=1, options={"tags": tags}, prices=prices)
    lost = tuple(_PRICES[package] for package in (own or TAGS) if package in TAGS)
    others = [package for package in own if package not in TAGS]
    lost += tuple(_WITHOUT_C.get(package, f"{package} has to do without its C") for package in others)
    off: dict[str, object] = {"cgo": False, **({"linkmode": None} if options.linkmode == "external" else {})}
    if options.race and (facts.target is None or facts.target.goos not in _APPLE):
        # Source: cmd/go/internal/work/init.go: "On macOS, -race does not require cgo."
        off["race"] = False
        lost += (_RACE_PRICE,)
    yield Candidate(weight=2, options=off, prices=lost)
    if pie:
        yield Candidate(weight=3, options={**off, **plain}, prices=(*lost, *no_randomisation))
    if facts.target is None or facts.target.goos != "linux" or _opens_libraries(facts):
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


def _opens_libraries(facts: BinaryFacts) -> bool:
    # A static image has no loader to open them with; musl's dlopen in one links, and always fails.
    return any(symbol.name == "dlopen" for symbol in facts.imports) or "dlopen" in facts.static_name_service


def _leave_name_service(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if "dlopen" in finding.observed or _opens_libraries(facts):
        kept = " ".join(flag for flag in options.extldflags.split() if flag != "-static")
        if kept != options.extldflags:
            yield Candidate(weight=1, options={"extldflags": kept}, prices=("libc is loaded at run time",))
        return
    yield from _leave_libc(finding, facts, options)


_NO_INTERPRETER = frozenset(
    {"static", "self-contained", "no-interpreter", "starts-alone", "runs-on", "ignores-preload"}
)


def _tags(packages: tuple[str, ...], options: BuildOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    added = [package for package in packages if package in TAGS and TAGS[package] not in options.tags]
    return (*options.tags, *(TAGS[package] for package in added)), tuple(_PRICES[package] for package in added)


def _older_glibc(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    yield from _leave_libc(finding, facts, options)
    yield from _link_to_older_glibc(finding, facts)


def _link_to_older_glibc(finding: Finding, facts: BinaryFacts) -> Iterator[Candidate]:
    for version in (finding.text("version"), finding.text("at-most")):
        if version and (compiler := zig_cc(facts, f"gnu.{version}")):
            price = f"the build needs zig; C calls nothing newer than glibc {version}"
            yield Candidate(weight=5, options={"cgo": True, "cc": compiler}, prices=(price,))


def _needs_libc(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if facts.libc.presence == "dynamic":
        # The kind or the floor is wrong: another C compiler, never no libc.
        musl = finding.text("kind") == "musl"
        yield from _dynamic_musl(facts) if musl else _link_to_older_glibc(finding, facts)
    else:
        yield from _turn_cgo_on(finding, facts, options)


def _turn_cgo_on(_finding: Finding, _facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    price = ("libc is loaded at run time, no older than the one of the build machine",)
    if options.cgo is not True or options.tags:
        kept = tuple(tag for tag in options.tags if tag not in TAGS.values())
        yield Candidate(weight=2, options={"cgo": True, "tags": kept}, prices=price)
    if options.linkmode != "external":
        yield Candidate(weight=4, options={"cgo": True, "linkmode": "external"}, prices=price)


def _resolver(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    package = "net" if finding.rule == "resolver" else "os/user"
    seen = facts.resolver if package == "net" else facts.content.user_lookup
    goos = facts.target.goos if facts.target is not None else ""
    if "none" in (seen or ()) or goos == "windows":
        # What the program does not ask for no flag brings in; on Windows there is one way.
        return
    # Of a resolver several kinds are asked for at once.
    kinds = set(finding.names("kind") or (finding.text("kind"),))
    if kinds in ({"go"}, {"files"}):
        price = _PRICES[package]
        yield Candidate(weight=1, options={"tags": (*options.tags, TAGS[package])}, prices=(price,))
        if goos not in _APPLE:
            yield Candidate(weight=2, options={"cgo": False}, prices=(price,))
    elif "system" in kinds and goos in _APPLE:
        # libSystem is called without cgo.
        kept = tuple(tag for tag in options.tags if tag != TAGS[package])
        yield Candidate(weight=1, options={"tags": kept})
    elif kinds & {"cgo", "system"}:
        yield from _turn_cgo_on(finding, facts, options)


def _linkmode(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    if finding.text("mode") == "external":
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
    price = ("an interpreter is named, even without cgo",) if facts.format == "elf" else ()
    yield Candidate(weight=1, options={"buildmode": "pie"}, prices=price)
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
    setting = cpu_setting(facts.target.goarch) if facts.target is not None else None
    if setting is None:
        return
    # Of several levels the one of this architecture; a level may stand without its setting.
    for level in finding.names("level"):
        name, equals, value = level.partition("=")
        if name == setting or not equals:
            newest = ((setting, value if equals else level),)
            yield Candidate(weight=1, environment=newest, prices=("newer CPU instructions stay unused",))


def _older_system(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    # Source: cmd/link's flag -macos, since Go 1.27; Clang's documentation of MACOSX_DEPLOYMENT_TARGET.
    limits = [limit.lower().split() for limit in finding.names("version")]
    limit = next((words[-1] for words in limits if words[0] == "macos" or len(words) == 1), None)
    if facts.format != "macho" or limit is None:
        return
    price = ("Go promises nothing of a macOS that is older than its own minimum",)
    if facts.link_mode == "external":
        yield Candidate(weight=1, environment=(("MACOSX_DEPLOYMENT_TARGET", limit),), prices=price)
    else:
        yield Candidate(weight=1, options={"ldflags": f"{options.ldflags} -macos={limit}".strip()}, prices=price)


def _fips(finding: Finding, _facts: BinaryFacts, _options: BuildOptions) -> Iterator[Candidate]:
    kind = finding.text("kind")
    if kind == "boringcrypto":
        boring = (("GOEXPERIMENT", "boringcrypto"),)
        yield Candidate(weight=3, options={"cgo": True}, environment=boring, prices=("BoringCrypto's C is linked in",))
    elif kind == "go":
        module = finding.text("module") or "v1.0.0"
        price = ("cryptography outside of that module's frozen copy stays as it is",)
        yield Candidate(weight=2, environment=(("GOFIPS140", module),), prices=price)


# Flags that bring a violation about: of Go's linker, and of the C linker.
_AT_FAULT: Mapping[str, tuple[re.Pattern[str] | None, re.Pattern[str] | None]] = {
    "no-rpath": (re.compile(r"(?<!\S)--?r(=|\s+)\S+"), re.compile(r"(?<!\S)-Wl,--?(rpath|R)[,=]\S+")),
    "nx": (None, re.compile(r"(?<!\S)(-Wl,-z,|-z\s*)execstack(?!\S)")),
    "no-writable-code": (None, re.compile(r"(?<!\S)(-Wl,)?(-N|--omagic)(?!\S)")),
    "interpreter": (re.compile(r"(?<!\S)--?I(=|\s+)\S+"), re.compile(r"(?<!\S)-Wl,--?dynamic-linker[,=]\S+")),
}


def _drop_flags(finding: Finding, _facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    changed = {
        name: " ".join(pattern.sub("", flags).split())
        for name, flags, pattern in zip(
            ("ldflags", "extldflags"), (options.ldflags, options.extldflags), _AT_FAULT[finding.rule], strict=True
        )
        # Quotes may hold blanks: such flags are left to their author.
        if pattern is not None and not set(flags) & set("'\"") and pattern.search(flags)
    }
    if changed:
        yield Candidate(weight=1, options=changed)


def _no_exec_stack(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    yield from _drop_flags(finding, facts, options)
    if facts.format == "elf" and facts.link_mode == "external" and "execstack" not in options.extldflags:
        flags = f"{options.extldflags} -Wl,-z,noexecstack".strip()
        price = "C that runs code on the stack (nested functions) crashes"
        yield Candidate(weight=1, options={"extldflags": flags}, prices=(price,))


def _other_loader(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    dropped = tuple(_drop_flags(finding, facts, options))
    yield from dropped
    path = finding.text("path") or ""
    musl = "ld-musl" in path
    if facts.interpreter is None:
        yield from _turn_cgo_on(finding, facts, options)
    elif musl and "ld-musl" not in facts.interpreter:
        yield from _dynamic_musl(facts)
    elif not dropped and not musl and facts.libc.kind != "musl" and facts.link_mode == "internal":
        given = f"{options.ldflags} -I {path}".strip()
        yield Candidate(weight=2, options={"ldflags": given}, prices=("that loader must load this libc",))


def _dynamic_musl(facts: BinaryFacts) -> Iterator[Candidate]:
    if musl := zig_cc(facts, "musl"):
        dynamic: dict[str, object] = {"cgo": True, "linkmode": "external", "extldflags": "", "cc": f"{musl} -dynamic"}
        yield Candidate(weight=7, options=dynamic, prices=("the build needs zig; musl's resolver and allocator",))


def _larger_pages(finding: Finding, facts: BinaryFacts, options: BuildOptions) -> Iterator[Candidate]:
    size = f"0x{dict(finding.parameters)['bytes']:x}"
    # Source: cmd/link's flag -R; GNU ld's -z max-page-size.
    if facts.link_mode == "external":
        pages = f"{options.extldflags} -Wl,-z,max-page-size={size}".strip()
        yield Candidate(weight=1, options={"extldflags": pages}, prices=("a larger file",))
    else:
        aligned = f"{options.ldflags} -R {size}".strip()
        yield Candidate(weight=1, options={"ldflags": aligned}, prices=("a larger file",))


_BY_RULE: Mapping[str, Callable[[Finding, BinaryFacts, BuildOptions], Iterator[Candidate]]] = {
    **dict.fromkeys(
        (
            "static", "self-contained", "no-libc", "only-needs", "no-interpreter", "no-imports", "no-cgo",
            "only-cgo-packages", "runs-on", "starts-alone", "ignores-preload",
        ),
        _leave_libc,
    ),
    **dict.fromkeys(("no-getaddrinfo-warning", "no-link-warnings"), _leave_name_service),
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
    "interpreter": _other_loader,
    **dict.fromkeys(("no-rpath", "no-writable-code"), _drop_flags),
    "nx": _no_exec_stack,
    "page-alignment": _larger_pages,
    "os-at-most": _older_system,
    "fips": _fips,
    "pie": _pie,
    "relro": _relro,
    "cpu-at-most": _older_cpu,
}  # fmt: skip
