"""starts-alone and ignores-preload: on facts written by hand where nothing is run, on real programs where it is."""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink import MachO, ParameterError, ToolchainError, read_binary
from pytest_golink.archives import find_images
from pytest_golink.rules import behaviour, evaluate, rule_named
from pytest_golink.rules.subject import Subject
from pytest_golink.sandbox import alone
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, MACHO, PE, PIE, STATIC, target
from tests.sandbox.programs import compiled

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBinary, GoSample
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding


def ask(rule: str, facts: BinaryFacts, *, may_run: bool = True, **parameters: object) -> Finding:
    subject = Subject(name="app", facts=facts, may_run=may_run)
    return evaluate(rule, subject, {name.replace("_", "-"): value for name, value in parameters.items()})


def for_no_machine(image: Path, folder: Path) -> Path:
    """Write an ELF image with an e_machine that no machine has: no emulator (binfmt_misc) is registered for it."""
    content = bytearray(image.read_bytes())
    content[18:20] = b"\xfe\xfe"
    path = folder / "for-no-machine"
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def ask_built(rule: str, binary: GoBinary, **parameters: Any) -> Finding:
    return ask(rule, binary.facts, **parameters)


def test_a_static_program_starts_alone_and_what_it_prints_is_the_evidence(go_sample: GoSample) -> None:
    finding = ask_built("starts-alone", go_sample("static", cgo=False), output="^static: hello$", seconds=60)

    assert (finding.outcome, finding.observed) == ("passed", "it ends with status 0")
    assert finding.evidence == ("stdout: static: hello",)
    assert finding.expected == "in an empty root it ends with status 0 within 60 s and prints ^static: hello$"


def test_one_that_names_an_interpreter_does_not_start(go_sample: GoSample) -> None:
    finding = ask_built("starts-alone", go_sample("static", buildmode="pie", cgo=False))

    assert finding.outcome == "violated"
    assert finding.observed == "it does not start: the interpreter that it names is not there"
    assert finding.evidence == (
        "execve: no such file or directory",
        "PT_INTERP /lib64/ld-linux-x86-64.so.2",
        "no DT_NEEDED",
    )
    assert finding.cause == ("-buildmode=pie makes Go name an interpreter even without cgo",)
    assert finding.remedy[0] == "build without -buildmode=pie"


@pytest.mark.parametrize(
    ("body", "parameters", "outcome", "observed"),
    [
        ("return 3;", {"status": 3}, "passed", "it ends with status 3"),
        ("return 3;", {}, "violated", "it ends with status 3"),
        ("return strcmp(argv[1], \"-h\") != 0;", {"args": ["-h"]}, "passed", "it ends with status 0"),
        ("abort();", {}, "violated", "SIGABRT ends it (status 134)"),
        ("return 200;", {}, "violated", "it ends with status 200"),
        ("pause();", {"seconds": 1}, "violated", "it is running after 1 s"),
        ("pause();", {"seconds": 1, "keeps_running": True}, "passed", "it is running after 1 s"),
        ("return 0;", {"keeps_running": True, "seconds": 60}, "violated", "it ends with status 0"),
        ("puts(\"no\");", {"output": "yes"}, "violated", "it ends with status 0, and prints nothing that yes matches"),
        ("fputs(\"yes\", stderr);", {"output": "yes"}, "passed", "it ends with status 0"),
    ],
)  # fmt: skip
def test_the_policy_says_what_counts_as_started(
    body: str, parameters: dict[str, Any], outcome: str, observed: str, tmp_path: Path
) -> None:
    image = compiled(tmp_path, f"{body} return 0;")

    finding = ask("starts-alone", replace(STATIC, path=str(image)), **{"seconds": 60, **parameters})

    assert (finding.outcome, finding.observed) == (outcome, observed)


@pytest.mark.parametrize(
    ("words", "pattern", "outcome"),
    [
        (("list", "ening"), "listening", "violated"),
        (("list", "ening"), "^ening", "passed"),
        (("list", "ening"), "list$", "passed"),
        # It has printed something, though not on both.
        (("list", ""), "^$", "violated"),
        (("", ""), "^$", "passed"),
    ],
)
def test_a_pattern_is_found_in_one_of_the_streams(
    words: tuple[str, str], pattern: str, outcome: str, tmp_path: Path
) -> None:
    image = compiled(tmp_path, f'fputs("{words[0]}", stdout); fputs("{words[1]}", stderr); return 0;')

    assert ask("starts-alone", replace(STATIC, path=str(image)), output=pattern).outcome == outcome


def test_a_pattern_that_takes_for_ever_is_undecidable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = compiled(
        tmp_path, 'fputs("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", stdout); return 0;'
    )
    monkeypatch.setattr(behaviour, "_SEARCH_S", 0.5)

    finding = ask("starts-alone", replace(STATIC, path=str(image)), output="(a+)+$")

    assert (finding.outcome, finding.observed) == (
        "undecidable",
        "it ends with status 0, and whether (a+)+$ matches what it prints is not found within 0.5 s",
    )
    assert finding.remedy == ("give an output that repeats no repetition, as (a+)+ does",)


def test_of_long_output_the_beginning_is_shown(tmp_path: Path) -> None:
    image = compiled(tmp_path, 'for (int i = 0; i < 9; i++) printf("%0300d\\n", i);')

    finding = ask("starts-alone", replace(STATIC, path=str(image)))

    assert finding.evidence == (*[f"stdout: {'0' * 200}…"] * 6, "stdout: … 3 more lines")


def test_processes_that_hold_too_much_memory_together_are_a_violation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = compiled(
        tmp_path, "for (int i = 0; i < 3; i++) fork(); memset(malloc(20 << 20), 1, 20 << 20); for (;;) pause();"
    )
    monkeypatch.setattr(alone, "MEMORY_BYTES", 64 << 20)

    finding = ask("starts-alone", replace(STATIC, path=str(image)), keeps_running=True)

    assert (finding.outcome, finding.observed) == (
        "violated",
        "golink ended it: its processes held more than 2 GiB of memory together",
    )


@pytest.mark.parametrize(("mode", "digits"), [(0o644, "0644"), (0o611, "0611"), (0o000, "0000")])
def test_a_file_that_ships_without_an_execute_bit_does_not_start(mode: int, digits: str, tmp_path: Path) -> None:
    image = compiled(tmp_path, "return 0;")
    image.chmod(mode)

    finding = ask("starts-alone", replace(STATIC, path=str(image)))

    assert (finding.outcome, finding.observed) == ("violated", "it does not start: its file has no execute bit")
    assert finding.evidence == (f"mode {digits}",)
    assert finding.remedy[0] == "chmod +x before it is packed"


@pytest.mark.parametrize(
    ("mode", "caution"),
    [
        (0o755, ()),
        (0o700, ("mode 0700: other users than its owner may not start it",)),
        (0o4755, ("mode 4755: it starts with the rights of its owner or group",)),
    ],
    ids=["all", "owner", "set-user-ID"],
)
def test_a_mode_that_says_who_may_start_it_is_a_caution(mode: int, caution: tuple[str, ...], tmp_path: Path) -> None:
    image = compiled(tmp_path, "return 0;")
    image.chmod(mode)

    finding = ask("starts-alone", replace(STATIC, path=str(image)))

    assert (finding.outcome, finding.caution) == ("passed", caution)


@pytest.mark.parametrize(("mode", "outcome"), [(0o755, "passed"), (0o644, "violated")])
@pytest.mark.parametrize("form", ["tar", "zip"])
def test_a_member_of_an_archive_is_started_with_its_own_mode(
    form: str, mode: int, outcome: str, pytester: pytest.Pytester, go_sample: GoSample
) -> None:
    data = go_sample("static", cgo=False).path.read_bytes()
    member = pytester.path / "app"
    member.write_bytes(data)
    member.chmod(mode)
    if form == "tar":
        with tarfile.open(pytester.path / "a.tar", "w") as archive:
            archive.add(member, "app")
    else:
        with zipfile.ZipFile(pytester.path / "a.zip", "w") as archive_of_zip:
            archive_of_zip.write(member, "app")
    pytester.makefile(
        ".toml",
        golink=f"""
        [[binary]]
        path = "a.{form}!app"
        may-run = true
        rules = {{ starts-alone = true, runs-on = ["scratch"] }}
        """,
    )
    result = pytester.runpytest_subprocess("--golink-report-file=report.json")

    report = json.loads((pytester.path / "report.json").read_text())
    found = {finding["rule"]: finding for finding in report["findings"]}
    assert found["starts-alone"]["outcome"] == outcome
    assert found["runs-on"]["outcome"] == "passed"
    cautions = ["mode 0644: it has no execute bit for its owner, and does not start before chmod +x"]
    assert found["runs-on"]["caution"] == (cautions if mode == 0o644 else [])
    assert result.ret == (outcome == "violated")


@pytest.mark.parametrize(
    ("system", "attributes", "mode"),
    [
        (3, 0o100755 << 16, 0o755),
        (3, 0o104755 << 16, 0o755),
        # So that golink can read it.
        (3, 0o100111 << 16, 0o511),
        # As Go's archive/zip writes where a program sets none, and as Windows does.
        (0, 0, 0o644),
        (3, 0, 0o644),
    ],
)
def test_a_member_of_a_zip_has_the_mode_that_an_unpacker_gives_it(
    system: int, attributes: int, mode: int, tmp_path: Path
) -> None:
    member = zipfile.ZipInfo("app")
    member.create_system, member.external_attr = system, attributes
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        # Without a mode zipfile puts 0600 in its place.
        archive.writestr(member, b"\x7fELF")
        archive.infolist()[0].external_attr = attributes
    [found] = find_images(["a.zip!app"], tmp_path)

    assert found.at(tmp_path / "cache").stat().st_mode & 0o7777 == mode


def test_a_list_stands_for_the_arguments_and_nothing_else_does() -> None:
    rule = rule_named("starts-alone")

    assert rule.accept(["--version"]) == {"args": ("--version",)}
    assert rule.accept({"args": "--version", "keeps-running": True}) == {"args": ("--version",), "keeps-running": True}
    assert rule.accept(True) == {}
    with pytest.raises(ParameterError, match="'--version' is not args = a list, each a string; status = "):
        rule.accept("--version")
    with pytest.raises(ParameterError, match="args: "):
        # No name of a file, and no argument, has such a character.
        rule.accept(["\ud800"])
    with pytest.raises(ParameterError, match="seconds: 601 is not a number of seconds, 1 to 600"):
        rule.accept({"seconds": 601})
    with pytest.raises(ParameterError, match="status: True is not an exit status, 0 to 255"):
        rule.accept({"status": True})
    # Not where one parameter of several is a list, and another must be given.
    with pytest.raises(ParameterError, match="is not kind = "):
        rule_named("needs-libc").accept(["glibc"])


@pytest.mark.parametrize(
    ("facts", "observed"),
    [
        (ARCHIVE, "an archive, which is not linked yet"),
        (replace(STATIC, kind="shared-library"), "a shared-library: a program loads it, and it is not started"),
        (MACHO, "this machine does not run a program for darwin/arm64"),
        (PE, "this machine does not run a program for windows/amd64"),
        (replace(STATIC, target=target("freebsd/amd64")), "this machine does not run a program for freebsd/amd64"),
    ],
)
def test_what_cannot_be_started_here_is_undecidable(facts: BinaryFacts, observed: str) -> None:
    finding = ask("starts-alone", facts)

    assert (finding.outcome, finding.observed) == ("undecidable", observed)
    assert finding.remedy


def test_a_program_for_another_machine_is_undecidable_and_the_remedy_is_an_override(
    go_sample: GoSample, tmp_path: Path
) -> None:
    built = go_sample("static", target="linux/amd64", cgo=False)
    path = for_no_machine(built.path, tmp_path)

    finding = ask("starts-alone", replace(built.facts, path=str(path), target=target("linux/s390x")))

    assert (finding.outcome, finding.observed) == ("undecidable", "this machine does not run a program for linux/s390x")
    assert "[[binary.override]]" in finding.remedy[1]


@pytest.mark.parametrize(("rule", "parameters"), [("starts-alone", {}), ("ignores-preload", {"run": True})])
def test_an_image_that_may_not_run_is_not_started(rule: str, parameters: dict[str, Any], tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    image = compiled(tmp_path, f'open("{trace}", O_CREAT | O_WRONLY, 0600); kill(getppid(), SIGKILL);')

    finding = ask(rule, replace(STATIC, path=str(image)), may_run=False, **parameters)

    assert (finding.outcome, finding.observed) == (
        "undecidable",
        "it was not built in this run, and `may-run` is not set",
    )
    assert finding.remedy == ("may-run = true in its [[binary]] allows golink to run it",)
    assert not trace.exists()


def test_a_file_of_a_policy_runs_only_with_may_run(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    shutil.copy(go_sample("static", cgo=False).path, pytester.path / "app")
    text = '[[binary]]\npath = "app"\n{}rules = {{ starts-alone = {{ output = "hello" }} }}\n'

    pytester.makefile(".toml", golink=text.format(""))
    pytester.runpytest("-p", "no:cacheprovider").stdout.fnmatch_lines(["*`may-run` is not set*"])
    pytester.makefile(".toml", golink=text.format("may-run = true\n"))
    pytester.runpytest("-p", "no:cacheprovider").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("facts", "outcome", "observed"),
    [
        (STATIC, "passed", "no interpreter reads it"),
        (DYNAMIC, "violated", "/lib64/ld-linux-x86-64.so.2 reads LD_PRELOAD"),
        (PIE, "violated", "/lib64/ld-linux-x86-64.so.2 reads LD_PRELOAD"),
        (ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        (PE, "not-applicable", "its system's loader has no such variable"),
        (
            replace(DYNAMIC, kind="shared-library"),
            "not-applicable",
            "this is a shared library: ask the rule of the program that loads it",
        ),
        (
            replace(DYNAMIC, format="xcoff", interpreter=None, target=target("aix/ppc64")),
            "violated",
            "its loader reads LDR_PRELOAD",
        ),
    ],
)
def test_ignores_preload_is_decided_from_the_image(facts: BinaryFacts, outcome: str, observed: str) -> None:
    finding = ask("ignores-preload", facts, may_run=False)

    assert (finding.outcome, finding.observed) == (outcome, observed)


_ALLOWS = "com.apple.security.cs.allow-dyld-environment-variables"
_DISABLES = "com.apple.security.cs.disable-library-validation"


@pytest.mark.parametrize(
    ("macho", "outcome", "evidence"),
    [
        (None, "violated", ("no code signature",)),
        (MachO(code_flags=0x20002), "violated", ("code directory flags 0x20002",)),
        (MachO(code_flags=0x10000), "passed", ("code directory flags 0x10000 (runtime)",)),
        (MachO(code_flags=0x800), "passed", ("code directory flags 0x800 (restrict)",)),
        (MachO(restricted=True), "passed", ("no code signature", "section __RESTRICT,__restrict")),
        (MachO(code_flags=0x2000), "passed", ("code directory flags 0x2000 (library-validation)",)),
        (
            MachO(code_flags=0x2000, entitlements=(_DISABLES,)),
            "violated",
            ("code directory flags 0x2000 (library-validation)", f"entitlement {_DISABLES}"),
        ),
        (
            MachO(code_flags=0x10000, entitlements=(_ALLOWS, "com.apple.security.app-sandbox", _DISABLES)),
            "violated",
            ("code directory flags 0x10000 (runtime)", f"entitlement {_ALLOWS}", f"entitlement {_DISABLES}"),
        ),
        (
            MachO(code_flags=0x10000, entitlements=(_ALLOWS,)),
            "passed",
            ("code directory flags 0x10000 (runtime)", f"entitlement {_ALLOWS}"),
        ),
    ],
)
def test_dyld_s_variable_is_closed_by_the_signature(
    macho: MachO | None, outcome: str, evidence: tuple[str, ...]
) -> None:
    finding = ask("ignores-preload", replace(MACHO, macho=macho))

    assert (finding.outcome, finding.evidence) == (outcome, evidence)
    assert bool(finding.remedy) is (outcome == "violated")
    assert bool(finding.caution) is ("library validation" in finding.observed)


@pytest.mark.parametrize(
    ("options", "outcome", "proof"),
    [
        ({"cgo": False}, "passed", "run with LD_PRELOAD: the library was not loaded"),
        ({"cgo": False, "buildmode": "pie"}, "violated", "run with LD_PRELOAD: the library was loaded"),
    ],
    ids=["static", "pie"],
)
def test_run_proves_what_the_image_says(options: dict[str, Any], outcome: str, proof: str, go_sample: GoSample) -> None:
    finding = ask_built("ignores-preload", go_sample("static", **options), run=True)

    assert (finding.outcome, finding.evidence[-1]) == (outcome, proof)


def test_a_library_that_gets_in_all_the_same_is_a_violation(tmp_path: Path) -> None:
    # What the facts do not say: the program has an interpreter.
    image = compiled(tmp_path, "return 0;", "-no-pie")
    facts = replace(read_binary(image), linkage="static")

    finding = ask("ignores-preload", facts, run=True)

    assert (finding.outcome, finding.observed) == ("violated", "a library was loaded with it")


def test_a_proof_without_the_program_s_loader_is_undecidable(tmp_path: Path) -> None:
    image = compiled(tmp_path, "return 0;", "-no-pie", "-Wl,--dynamic-linker=/nowhere/ld-musl-x86_64.so.1")

    finding = ask("ignores-preload", read_binary(image), run=True)

    assert (finding.outcome, finding.observed) == (
        "undecidable",
        "its interpreter /nowhere/ld-musl-x86_64.so.1 is not on this machine, which therefore proves nothing",
    )
    assert finding.evidence[0] == "PT_INTERP /nowhere/ld-musl-x86_64.so.1"
    assert finding.remedy[0] == "ask it where that interpreter is, in a container for one"


@pytest.mark.parametrize("flags", [["-static"], ["-no-pie"]], ids=["static", "dynamic"])
def test_a_library_for_another_machine_proves_nothing(
    flags: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = compiled(tmp_path, "return 0;", *flags)
    monkeypatch.setenv("CC", f"{sys.executable} -m ziglang cc -target aarch64-linux-gnu")

    with pytest.raises(ToolchainError, match="compiles for another machine than the program's: name one for linux/amd"):
        ask("ignores-preload", read_binary(image), run=True)


@pytest.mark.parametrize("facts", [MACHO, replace(STATIC, target=target("freebsd/amd64"))])
def test_a_proof_on_a_foreign_system_is_undecidable(facts: BinaryFacts) -> None:
    assert ask("ignores-preload", facts, run=True).outcome == "undecidable"


@pytest.mark.parametrize("buildmode", ["exe", "pie"])
def test_a_proof_for_another_machine_is_undecidable(buildmode: str, go_sample: GoSample, tmp_path: Path) -> None:
    built = go_sample("static", target="linux/amd64", cgo=False, buildmode=buildmode)
    path = for_no_machine(built.path, tmp_path)

    assert ask("ignores-preload", replace(built.facts, path=str(path)), run=True).outcome == "undecidable"


@pytest.mark.parametrize(("compiler", "said"), [("/nowhere/cc", "needs a C compiler"), ("false", "does not compile")])
def test_a_proof_without_a_compiler_is_an_error(compiler: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", compiler)

    with pytest.raises(ToolchainError, match=said):
        ask("ignores-preload", STATIC, run=True)
