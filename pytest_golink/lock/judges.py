"""What a difference in each field of the lock means: worse, better, or only another than what was agreed to."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from pytest_golink.golang.cpu import cpu_features, cpu_settings
from pytest_golink.text.versions import comparable, is_dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_golink.lock.model import Value

# "changed" fails as "worse" does: what is not provably better has to be looked at.
Way = Literal["worse", "better", "changed"]
Judgement = tuple[Way, str]

if TYPE_CHECKING:
    # (name, locked, seen), never equal; None: the fact is not there.
    Judge = Callable[[str, Value | None, Value | None], Judgement]


def judge(field: str, name: str, old: Value | None, new: Value | None) -> Judgement:
    """Say what it means that a fact is `new` where the lock has `old`; None is for a fact that is not there."""
    return _JUDGES[field](name, old, new)


def _many(came: str, went: str, _name: str, old: Value | None, new: Value | None) -> Judgement:
    """One more is worse, one less is better."""
    if old is None:
        return "worse", came
    return ("better", went) if new is None else ("changed", "in another way")


def _paths(_name: str, old: Value | None, new: Value | None) -> Judgement:
    if old is None:
        return "worse", "one more place to load libraries from"
    return ("better", "one place less") if new is None else ("changed", "searched in another order")


def _linkage(_name: str, old: Value | None, new: Value | None) -> Judgement:
    if old is None or new is None:
        return "changed", _appeared(old, new)
    if new == "dynamic":
        return "worse", "not static any more"
    # That it is position independent, or not any more, is a fact of its own.
    return ("better", "static now") if old == "dynamic" else ("better", "static all the same")


def _interpreter(_name: str, old: Value | None, new: Value | None) -> Judgement:
    if old is None:
        return "worse", "does not start without this loader"
    return ("better", "needs no loader any more") if new is None else ("changed", "another loader")


def _ranked(
    ranks: Sequence[Value], worse: str, better: str, _name: str, old: Value | None, new: Value | None
) -> Judgement:
    """Take a value further on in `ranks` for better."""
    if old not in ranks or new not in ranks:
        return "changed", _appeared(old, new)
    return ("better", better) if ranks.index(new) > ranks.index(old) else ("worse", worse)


def _changed(what: str, _name: str, _old: Value | None, _new: Value | None) -> Judgement:
    return "changed", what


def _libc(_name: str, old: Value | None, new: Value | None) -> Judgement:
    if new == "none":
        return "better", "no libc any more"
    return "changed", "a libc came in" if old == "none" else "another libc"


def _presence(_name: str, old: Value | None, new: Value | None) -> Judgement:
    if new == "none":
        return "better", "no libc any more"
    return ("worse", "loads a libc") if new == "dynamic" else ("changed", f"was {old}")


def _version(raised: str, lowered: str, gone: str, _name: str, old: Value | None, new: Value | None) -> Judgement:
    """Take a lower version for better: more machines have it."""
    if old is None:
        return "worse", raised
    if new is None:
        return "better", gone
    if not (isinstance(old, str) and isinstance(new, str) and is_dotted(old) and is_dotted(new)):
        return "changed", "another version"
    return ("worse", raised) if comparable(new) > comparable(old) else ("better", lowered)


def _os_minimum(name: str, old: Value | None, new: Value | None) -> Judgement:
    if new is None:
        # An image that does not say may ask for anything.
        return "changed", "the image does not say any more"
    return _version("needs a newer OS", "runs on older ones too", "", name, old, new)


def _lookup(what: str, _name: str, old: Value | None, new: Value | None) -> Judgement:
    """Take no lookup at all for better; every other path may give other answers."""
    if new == "none":
        return "better", f"looks up no {what} any more"
    return "changed", f"looks {what} up {'now' if old == 'none' else 'in another way'}"


def _cpu(name: str, old: Value | None, new: Value | None) -> Judgement:
    setting = name.partition(" ")[0]
    if setting not in cpu_settings() or not isinstance(old, str) or not isinstance(new, str):
        return "changed", "another CPU level"
    before, after = cpu_features(setting, old), cpu_features(setting, new)
    if before is None or after is None:
        return "changed", "another CPU level"
    return ("better", "runs on older CPUs too") if after <= before else ("worse", "needs a newer CPU")


def _crypto(_name: str, old: Value | None, new: Value | None) -> Judgement:
    if new is None:
        return "worse", "this cryptography is gone"
    return ("changed", "cryptography came in") if old is None else ("changed", "another version")


def _appeared(old: Value | None, new: Value | None) -> str:
    if new is None:
        return "the image does not say any more"
    return "the image did not say before" if old is None else "another value"


_JUDGES: Mapping[str, Judge] = MappingProxyType(
    {
        "target": partial(_changed, "built for another platform"),
        "format": partial(_changed, "another format"),
        "kind": partial(_changed, "another kind of file"),
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
        "import": partial(_many, "asks libc for names or libraries", "does not ask any more"),
        "cgo": partial(_ranked, (True, False), "cgo came in", "no cgo any more"),
        "cgo-package": partial(_many, "one more package with cgo", "does without cgo now"),
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
        "packed": partial(_changed, "packed in another way"),
        "symbol-table": partial(_changed, "stripped in another way"),
        "dwarf": partial(_changed, "stripped in another way"),
        "pie": partial(_ranked, (False, True), "lost hardening", "hardened"),
        "nx": partial(_ranked, (False, True), "lost hardening", "hardened"),
        "relro": partial(_ranked, ("none", "partial", "full"), "lost hardening", "hardened"),
        "writable-code": partial(_ranked, (True, False), "lost hardening", "hardened"),
        "signed": partial(_ranked, ("none", "ad-hoc", "signed"), "lost its signature", "signed"),
        "os-minimum": _os_minimum,
        "cpu": _cpu,
    }
)
