"""The helpers."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from contextvars import Context
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pytest_golink import assertions
from pytest_golink.assertions import assert_needs_libc, assert_static
from pytest_golink.checking import subject_of
from pytest_golink.errors import ParameterError, PolicyViolation, UnreadableBinaryError
from pytest_golink.facts import BinaryFacts, Content, CryptoModule, LinkWarning, MachO, Pe
from pytest_golink.recording import recording
from pytest_golink.rules import RULES
from pytest_golink.rules.subject import Subject
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, GLIBC_STATIC, LOADED, MACHO, OWN_C, PE, STATIC, go
from tests.sandbox.programs import compiled

if TYPE_CHECKING:
    from pytest_golink.findings import Finding
    from pytest_golink.fixtures import GoSample
    from pytest_golink.gobinary import GoBinary


@dataclass(frozen=True)
class _Built:
    name: str
    facts: object
    warnings: tuple[LinkWarning, ...] = ()
    command: tuple[str, ...] = ("go", "build")
    origin: object = None
    rebuild: object = None


def built(name: str, facts: object, *warnings: LinkWarning) -> GoBinary:
    """What a GoBinary is to a helper: it is told by its form."""
    return cast("GoBinary", _Built(name, facts, warnings))


HELD: dict[str, tuple[BinaryFacts, dict[str, Any]]] = {
    "same-linkage": (STATIC, {}),
    "static": (STATIC, {}),
    "dynamic": (DYNAMIC, {}),
    "self-contained": (MACHO, {}),
    "needs-libc": (DYNAMIC, {"kind": "glibc", "at_most": "2.34"}),
    "no-libc": (STATIC, {}),
    "needs": (OWN_C, {"libraries": ["libm.so.6", "libc.so.6"]}),
    "only-needs": (OWN_C, {"libraries": ["libm.so.6", "libc.so.6"]}),
    "interpreter": (MACHO, {"path": "/usr/lib/dyld"}),
    "no-interpreter": (STATIC, {}),
    "glibc-at-most": (DYNAMIC, {"version": "2.34"}),
    "no-rpath": (STATIC, {}),
    "kernel-at-most": (STATIC, {"version": "3.2"}),
    "subsystem": (replace(PE, pe=Pe(subsystem="console")), {"kind": "console"}),
    "hardened-runtime": (replace(MACHO, macho=MachO(code_flags=0x10000, hardened_runtime=True)), {}),
    "exports": (replace(DYNAMIC, exports=("Add",)), {"symbols": ["Add"]}),
    "only-exports": (replace(DYNAMIC, exports=("Add",)), {"symbols": ["Add"]}),
    "imports": (DYNAMIC, {"symbols": ["getaddrinfo"]}),
    "no-imports": (STATIC, {"symbols": "*"}),
    "no-getaddrinfo-warning": (STATIC, {}),
    "no-link-warnings": (STATIC, {"allow": ["x"]}),
    "no-cgo": (STATIC, {}),
    "only-cgo-packages": (DYNAMIC, {"packages": ["net"]}),
    "no-dynamic-imports": (replace(STATIC, content=Content(importers=("main",))), {"allow": ["main"]}),
    "linkmode": (DYNAMIC, {"mode": "internal"}),
    "resolver": (DYNAMIC, {"kind": "cgo,go"}),
    "user-lookup": (replace(STATIC, content=Content(user_lookup=("files",))), {"kind": "files"}),
    "stripped": (replace(STATIC, symtab=False, dwarf=False), {}),
    "not-stripped": (STATIC, {}),
    "no-dwarf": (replace(STATIC, dwarf=False), {}),
    "no-build-paths": (replace(STATIC, content=Content(build_paths=())), {}),
    "no-instrumentation": (replace(STATIC, content=Content(instrumentation=("cover",))), {"allow": "cover"}),
    "intact": (replace(STATIC, content=Content(pclntab="1.20")), {}),
    "claims-hold": (STATIC, {}),
    "fips": (
        replace(
            STATIC,
            content=Content(crypto=(CryptoModule(kind="go", version="v1.0.0"),)),
            go=go(DefaultGODEBUG="fips140=on"),
        ),
        {"kind": "go", "module": "v1.0.0", "mode": "on"},
    ),
    "go-version": (STATIC, {"at_least": "1.21", "at_most": "1.27"}),
    "build-setting": (STATIC, {"settings": {"CGO_ENABLED": "0"}}),
    "no-modules": (STATIC, {"modules": ["golang.org/x/*"]}),
    "vcs-clean": (replace(STATIC, go=go(**{"vcs.revision": "0123abc", "vcs.modified": "false"})), {}),
    "pie": (MACHO, {}),
    "nx": (STATIC, {}),
    "signed": (MACHO, {}),
    "relro": (STATIC, {"level": "none"}),
    "no-writable-code": (STATIC, {}),
    "target": (STATIC, {"targets": ["linux/amd64"]}),
    "cpu-at-most": (replace(STATIC, go=go(GOAMD64="v1")), {"level": ["GOAMD64=v1"]}),
    "os-at-most": (MACHO, {"version": "13.0"}),
    "page-alignment": (LOADED, {"bytes": 4096}),
    "launches-on-macos": (MACHO, {"version": "15"}),
    "max-size": (STATIC, {"size": "2 MB"}),
    "starts-alone": (STATIC, {"args": ["-x"], "status": 3, "output": "-x", "seconds": 60, "keeps_running": False}),
    "ignores-preload": (STATIC, {"run": False}),
    "reproducible": (STATIC, {"fresh_cache": False}),
    "runs-on": (STATIC, {"platforms": ["scratch", "debian"]}),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_helper_asks_its_rule_with_its_parameters(rule: str, tmp_path: Path) -> None:
    facts, parameters = HELD[rule]
    made: dict[str, Any] = {}
    if rule == "starts-alone":
        facts = replace(facts, path=str(compiled(tmp_path, "puts(argv[1]); return 3;")))
    if rule == "reproducible":
        made = {"origin": "a build", "rebuild": lambda folder, _fresh: Path(shutil.copy(__file__, folder))}
    helper = getattr(assertions, "assert_" + rule.replace("-", "_"))
    recorded: list[tuple[tuple[Subject, ...], Finding]] = []
    image = cast("GoBinary", _Built("app", facts, **made))
    with recording(lambda subjects, finding: recorded.append((subjects, finding))):
        helper([image, image] if RULES[rule].scope == "binary" else image, **parameters)

    (((subject, *_), finding),) = recorded
    assert (finding.rule, finding.outcome) == (rule, "passed")
    assert [name.replace("-", "_") for name, _ in finding.parameters] == list(parameters)
    assert subject == Subject(name="app", facts=facts, link_warnings=(), may_run=True)
    # One truth: the helper's keywords are the rule's parameters, required where those are.
    _, *arguments = inspect.signature(helper).parameters.values()
    assert [(argument.name, argument.default is argument.empty) for argument in arguments] == [
        (parameter.keyword, parameter.required) for parameter in RULES[rule].parameters
    ]


def test_a_violation_is_an_assertion_error_with_the_text_and_the_finding() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_static(built("cmd/app", DYNAMIC))

    assert isinstance(raised.value, PolicyViolation)
    assert str(raised.value).startswith("golink: cmd/app (linux/amd64) violates static\n  expected  no PT_INTERP")
    assert (raised.value.finding.rule, raised.value.finding.outcome) == ("static", "violated")


def test_what_the_image_does_not_say_fails_and_what_has_no_meaning_does_not() -> None:
    with pytest.raises(
        PolicyViolation, match=r"^golink: build/app\.a \(linux/amd64\) does not say whether static holds"
    ):
        assert_static(ARCHIVE)
    assertions.assert_no_getaddrinfo_warning(MACHO)


def test_the_linker_s_warnings_of_a_build_are_looked_at() -> None:
    facts = replace(GLIBC_STATIC, static_name_service=())

    with pytest.raises(PolicyViolation, match="linker: x"):
        assertions.assert_no_getaddrinfo_warning(built("app", facts, LinkWarning(text="x", function="dlopen")))


def test_findings_go_to_the_innermost_recording_failed_ones_too_and_nowhere_outside() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with recording(lambda _, finding: outer.append(finding.outcome)):
        with recording(lambda _, finding: inner.append(finding.outcome)), pytest.raises(PolicyViolation):
            assert_static(DYNAMIC)
        assert_static(STATIC)
    # A fresh context: pytest's own run of this test records as well.
    Context().run(assert_static, STATIC)

    assert (outer, inner) == (["passed"], ["violated"])


@pytest.mark.parametrize(
    ("path", "name"),
    [("dist/app", "dist/app"), ("/opt/dist/app", "/opt/dist/app"), (str(Path.cwd() / "dist" / "app"), "dist/app")],
)
def test_facts_are_called_by_their_path(path: str, name: str) -> None:
    assert subject_of(replace(STATIC, path=path)).name == name


def test_a_path_is_read(go_sample: GoSample) -> None:
    path = go_sample("static", cgo=False).path

    assert_static(path)
    assert_static(str(path))
    subject = subject_of(path)
    assert subject.facts.linkage == "static"
    assert subject.link_warnings is None


def test_a_path_that_cannot_be_read_is_an_error_and_no_violation(tmp_path: Path) -> None:
    with pytest.raises(UnreadableBinaryError):
        assert_static(tmp_path / "missing")


@pytest.mark.parametrize("thing", [None, 7, b"path", ["dist/app"], built("app", None)])
def test_anything_else_is_an_error(thing: Any) -> None:
    with pytest.raises(ParameterError, match=r"^expected a GoBinary, BinaryFacts or a path, not "):
        assert_static(thing)


def test_a_wrong_parameter_is_an_error_and_no_violation() -> None:
    with pytest.raises(ParameterError, match="at-most: 'new' is not a version"):
        assert_needs_libc(DYNAMIC, at_most="new")


def test_the_traceback_ends_in_the_user_s_test(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makepyfile(
        """
        from tests.rules.facts_factory import DYNAMIC
        from pytest_golink import assert_static

        def test_release():
            assert_static(DYNAMIC)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")

    result.stdout.fnmatch_lines(
        [
            ">       assert_static(DYNAMIC)",
            "E       pytest_golink.errors.PolicyViolation: golink: build/app (linux/amd64) violates static",
            "E         expected  no PT_INTERP, no DT_NEEDED",
            "E         remedy    CGO_ENABLED=0, or -tags netgo",
            "",
            "test_the_traceback_ends_in_the_user_s_test.py:5: PolicyViolation",
        ]
    )
    result.stdout.no_fnmatch_line("*assertions.py*")


def test_outside_a_test_nobody_listens_and_the_answer_is_the_same() -> None:
    script = (
        "import sys; from pytest_golink import PolicyViolation, assert_static\n"
        "try: assert_static(sys.argv[1])\n"
        "except PolicyViolation as violation: print(violation.finding.rule, violation.finding.outcome)\n"
    )
    library = next(str(path) for path in Path("/usr/lib").rglob("libc.so.6"))

    done = subprocess.run([sys.executable, "-c", script, library], capture_output=True, text=True, check=True)

    assert done.stdout == "static violated\n"
