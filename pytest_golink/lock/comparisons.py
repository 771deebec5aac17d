"""What a difference in each field of the lock means: worse, better, or only different."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pytest_golink.golang.cpu import cpu_features, cpu_settings
from pytest_golink.lock.model import bytes_of
from pytest_golink.text.versions import comparable, is_dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_golink.lock.model import Key, Tolerance, Value

# "changed" fails as "worse" does: a person has to look at a change that is not provably better.
Change = Literal["worse", "better", "changed"]
# With the reason, in a few words.
Assessment = tuple[Change, str]

if TYPE_CHECKING:
    # (locked, seen), never equal; None: the fact is not there.
    Comparison = Callable[[Value | None, Value | None], Assessment]


def assess(key: Key, old: Value | None, new: Value | None, tolerance: Tolerance) -> Assessment | None:
    """
    Return what it means that a fact is `new` where the lock has `old`; None within the tolerance of a size.

    A value of None is a fact that is not there.
    """
    field, name = key
    if field == "size":
        return _size(old, new, tolerance)
    return _cpu(name, old, new) if field == "cpu" else _COMPARISONS[field](old, new)


def _size(old: Value | None, new: Value | None, tolerance: Tolerance) -> Assessment | None:
    if not isinstance(old, str) or not isinstance(new, str):
        return "changed", "the lock does not say how large it was"
    before, after = bytes_of(old), bytes_of(new)
    if abs(after - before) <= tolerance.around(before):
        return None
    share = f" by {abs(after - before) / before:.0%}" if before else ""
    return ("worse", f"grew{share}") if after > before else ("better", f"shrank{share}")


def _many(came: str, went: str, old: Value | None, new: Value | None) -> Assessment:
    """Compare one of many: one more is worse, one less is better."""
    if old is None:
        return "worse", came
    return ("better", went) if new is None else ("changed", "in another way")


def _paths(old: Value | None, new: Value | None) -> Assessment:
    if old is None:
        return "worse", "one more place to load libraries from"
    return ("better", "one place less") if new is None else ("changed", "searched in another order")


def _linkage(old: Value | None, new: Value | None) -> Assessment:
    if old is None or new is None:
        return "changed", _appeared(old, new)
    if new == "dynamic":
        return "worse", "not static any more"
    # Whether it is position independent is a separate fact.
    return ("better", "static now") if old == "dynamic" else ("better", "static all the same")


def _interpreter(old: Value | None, new: Value | None) -> Assessment:
    if old is None:
        return "worse", "does not start without this loader"
    return ("better", "needs no loader any more") if new is None else ("changed", "another loader")


def _ranked(ranks: Sequence[Value], worse: str, better: str, old: Value | None, new: Value | None) -> Assessment:
    """Compare ranks: a value further on in `ranks` is better."""
    if old not in ranks or new not in ranks:
        return "changed", _appeared(old, new)
    return ("better", better) if ranks.index(new) > ranks.index(old) else ("worse", worse)


def _changed(what: str, _old: Value | None, _new: Value | None) -> Assessment:
    return "changed", what


def _libc(old: Value | None, new: Value | None) -> Assessment:
    if new == "none":
        return "better", "no libc any more"
    return "changed", "a libc came in" if old == "none" else "another libc"


def _presence(old: Value | None, new: Value | None) -> Assessment:
    if new == "none":
        return "better", "no libc any more"
    return ("worse", "loads a libc") if new == "dynamic" else ("changed", f"was {old}")


def _version(raised: str, lowered: str, gone: str, old: Value | None, new: Value | None) -> Assessment:
    """Compare versions: a lower one is better, since more machines have it."""
    if old is None:
        return "worse", raised
    if new is None:
        return "better", gone
    if not (isinstance(old, str) and isinstance(new, str) and is_dotted(old) and is_dotted(new)):
        return "changed", "another version"
    return ("worse", raised) if comparable(new) > comparable(old) else ("better", lowered)


def _os_minimum(old: Value | None, new: Value | None) -> Assessment:
    if new is None:
        # An image without a minimum may need anything.
        return "changed", "the image does not say any more"
    return _version("needs a newer OS", "runs on older ones too", "", old, new)


def _lookup(what: str, old: Value | None, new: Value | None) -> Assessment:
    """Compare lookups: none at all is better; every other path may give other answers."""
    if new == "none":
        return "better", f"looks up no {what} any more"
    return "changed", f"looks {what} up {'now' if old == 'none' else 'in another way'}"


def _cpu(name: str, old: Value | None, new: Value | None) -> Assessment:
    setting = name.partition(" ")[0]
    if setting not in cpu_settings() or not isinstance(old, str) or not isinstance(new, str):
        return "changed", "another CPU level"
    before, after = cpu_features(setting, old), cpu_features(setting, new)
    if before is None or after is None:
        return "changed", "another CPU level"
    return ("better", "runs on older CPUs too") if after <= before else ("worse", "needs a newer CPU")


def _crypto(old: Value | None, new: Value | None) -> Assessment:
    if new is None:
        return "worse", "this cryptography is gone"
    return ("changed", "cryptography came in") if old is None else ("changed", "another version")


def _mark(lost: str, came: str, old: Value | None, _new: Value | None) -> Assessment:
    """Compare a good mark, which is there or not."""
    return ("better", came) if old is None else ("worse", lost)


def _export(old: Value | None, _new: Value | None) -> Assessment:
    if old is None:
        return "changed", "offers one more symbol"
    return "worse", "no longer offered: what calls it fails"


def _signature(old: Value | None, new: Value | None) -> Assessment:
    if old is None or new is None:
        return ("better", "signed") if old is None else ("worse", "lost its signature")
    return _ranked(("ad-hoc", "certificate", "developer-id"), "signed by less", "signed by more", old, new)


def _valid(old: Value | None, new: Value | None) -> Assessment:
    if new is False:
        return "worse", "changed after it was signed"
    return ("better", "as it was signed") if new is True else ("changed", _appeared(old, new))


def _code_flags(old: Value | None, _new: Value | None) -> Assessment:
    return ("better", "signed") if old is None else ("changed", "signed with other flags")


def _tls(_old: Value | None, new: Value | None) -> Assessment:
    if new is None:
        return "better", "has no thread-local memory"
    return "changed", "thread-local memory is laid out in another way"


def _appeared(old: Value | None, new: Value | None) -> str:
    if new is None:
        return "the image does not say any more"
    return "the image did not say before" if old is None else "another value"


_COMPARISONS: Mapping[str, Comparison] = MappingProxyType(
    {
        "target": partial(_changed, "built for another platform"),
        "format": partial(_changed, "another format"),
        "kind": partial(_changed, "another kind of file"),
        "main-package": partial(_changed, "another program"),
        "main-module": partial(_changed, "of another module"),
        "linkage": _linkage,
        "interpreter": _interpreter,
        "needed": partial(_many, "needs one more library", "needs it no more"),
        "rpath": _paths,
        "runpath": _paths,
        "libc": _libc,
        "libc-presence": _presence,
        "libc-floor": partial(
            _version, "needs a newer glibc", "runs with an older glibc too", "needs no glibc version any more"
        ),
        "version-need": partial(
            _version, "needs a newer library", "runs with an older one too", "needs no version any more"
        ),
        "dlopen": partial(_many, "loads one more library while it runs", "does not load it any more"),
        "dlopen-notes": partial(_many, "what it loads while it runs is not known", "the notes are read again"),
        "named-version": partial(_many, "needs a version that not every library has", "does not need it any more"),
        "soname": partial(_changed, "a library by another name"),
        "export": _export,
        "exports": partial(_changed, "offers other symbols"),
        "import": partial(_many, "asks libc for names or libraries", "does not ask any more"),
        "cgo": partial(_ranked, (True, False), "cgo came in", "no cgo any more"),
        "cgo-package": partial(_many, "one more package with cgo", "does without cgo now"),
        "cgo-witness": partial(_many, "shows cgo under no name", "does not show it any more"),
        "import-without-cgo": partial(_many, "imported without cgo", "not imported any more"),
        "importer-without-cgo": partial(_many, "calls libraries without cgo", "does not any more"),
        "link-mode": partial(_changed, "linked in another way"),
        "resolver": partial(_lookup, "host names"),
        "user-lookup": partial(_lookup, "users"),
        "static-name-service": partial(
            _many, "loads glibc's own libraries at run time", "loads no libraries for it any more"
        ),
        "crypto": _crypto,
        "instrumentation": partial(_many, "built with instrumentation", "without it again"),
        "godebug": partial(_changed, "Go behaves in another way"),
        "pclntab-damage": partial(_many, "golink cannot read the pclntab", "the pclntab is read again"),
        "packed": partial(_changed, "packed in another way"),
        "symbol-table": partial(_changed, "stripped in another way"),
        "dwarf": partial(_changed, "stripped in another way"),
        "pie": partial(_ranked, (False, True), "lost hardening", "hardened"),
        "nx": partial(_ranked, (False, True), "lost hardening", "hardened"),
        "relro": partial(_ranked, ("none", "partial", "full"), "lost hardening", "hardened"),
        "writable-code": partial(_ranked, (True, False), "lost hardening", "hardened"),
        "text-relocations": partial(_many, "code is made writable at the start", "code stays read-only"),
        "control-flow-guard": partial(_ranked, (False, True), "lost hardening", "hardened"),
        "high-entropy-va": partial(_ranked, (False, True), "lost hardening", "hardened"),
        "signed": partial(_ranked, ("none", "ad-hoc", "signed"), "lost its signature", "signed"),
        "signature": _signature,
        "signature-valid": _valid,
        "code-flags": _code_flags,
        "runtime-hardened": partial(_mark, "lost the hardened runtime", "hardened"),
        "entitlement": partial(_changed, "other entitlements"),
        "restricted": partial(_mark, "takes DYLD_ variables now", "takes no DYLD_ variables"),
        "dyld-environment": partial(_many, "sets one more variable for dyld", "does not set it any more"),
        "os-minimum": _os_minimum,
        "platform": partial(_changed, "built for another platform"),
        "sdk": partial(_changed, "linked for another SDK"),
        "uuid": partial(_mark, "lost its LC_UUID", "has an LC_UUID"),
        "subsystem": partial(_changed, "another subsystem"),
        "kernel-minimum": partial(
            _version, "needs a newer kernel", "runs on older kernels too", "C's start-up code asks for no kernel"
        ),
        "load-alignment": partial(_changed, "laid out for pages of another size"),
        "packed-relocations": partial(_many, "needs a loader that knows DT_RELR", "runs with older loaders too"),
        "static-tls": partial(_many, "dlopen may refuse it", "dlopen takes it"),
        "tls-alignment": _tls,
        "crash": partial(_many, "does not start on any system", "starts again"),
    }
)
