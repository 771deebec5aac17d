"""A cause of an image is printed once: the first failure has it in full, and the others name that failure."""

from __future__ import annotations

import re

import pytest

POLICY = """\
[[binary]]
name = "net"
package = "./net"
cgo = true

[binary.rules]
static = true
self-contained = true
no-interpreter = true
no-libc = true
no-cgo = true
stripped = true
"""
CAUSE = "runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing reaches"
SEE = re.compile(r"\bsee\s+net\s+(\w+)")


def run(pytester: pytest.Pytester, *arguments: str) -> str:
    pytester.path.joinpath("golink.toml").write_text(POLICY)
    return pytester.runpytest("golink.toml", *arguments).stdout.str()


@pytest.mark.usefixtures("module")
def test_the_first_failure_has_the_cause_and_the_others_name_it(pytester: pytest.Pytester) -> None:
    shown = run(pytester)
    failures = shown.partition("FAILURES")[2].partition("short test summary")[0]

    assert failures.count(CAUSE) == 1
    assert failures.count("./net → net → runtime/cgo") == 1
    assert SEE.findall(failures) == ["static"] * 4
    assert re.search(
        r"_ net self-contained _+\n  observed  dynamic; expected static or static-pie; see net static, evidence and "
        r"remedy\s+too\s+\(golink.toml:8\)\n",
        failures,
    )
    assert "observed  a symbol table and DWARF; expected no symbol table, no DWARF" in failures


@pytest.mark.usefixtures("module")
def test_only_the_failure_of_a_selection_has_the_cause(pytester: pytest.Pytester) -> None:
    shown = run(pytester, "-k", "self-contained")

    assert "  expected  static or static-pie\n" in shown
    assert f"  cause     {CAUSE}\n" in shown
    assert SEE.findall(shown) == []


@pytest.mark.usefixtures("module")
def test_junit_markdown_and_html_have_it_once_and_json_for_each_finding(pytester: pytest.Pytester) -> None:
    reports = [f"--golink-report-file=golink.{suffix}" for suffix in ("json", "md", "html")]
    run(pytester, *reports, "--junitxml=junit.xml", "-o", "junit_logging=no")
    names = ("golink.json", "golink.md", "golink.html", "junit.xml")
    texts = {name[name.index(".") :]: pytester.path.joinpath(name).read_text() for name in names}

    assert texts[".json"].count(CAUSE) == 5
    assert texts[".md"].count("runtime/cgo is linked in, by a package") == 1
    assert texts[".md"].count("see net static") == 4
    assert re.sub(r"<property [^>]*>", "", texts[".xml"]).count(f"cause     {CAUSE}") == 1
    assert texts[".html"].count("<dd>see net static</dd>") == 4


@pytest.mark.usefixtures("module")
def test_an_expected_failure_prints_nothing_that_others_could_name(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_golink import PolicyViolation, assert_no_libc, assert_self_contained, assert_static

        pytestmark = pytest.mark.golink(package="./net", cgo=True)

        @pytest.mark.xfail
        def test_first(go_binary):
            assert_static(go_binary)

        def test_second(go_binary):
            with pytest.raises(PolicyViolation, match="expected  no PT_INTERP"):
                assert_static(go_binary)
            assert_self_contained(go_binary)

        def test_third(go_binary):
            assert_no_libc(go_binary)
        """
    )
    shown = pytester.runpytest().stdout.str()

    assert shown.count(f"E         cause     {CAUSE}") == 1
    assert shown.count("see net self-contained") == 1


def test_an_image_has_one_name_where_another_target_does_not_build(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("go.mod").write_text("module example.com/app\n\ngo 1.21\n")
    pytester.path.joinpath("main.go").write_text("package main\n\nfunc main() { hello() }\n")
    pytester.path.joinpath("hello_linux.go").write_text("package main\n\nfunc hello() {}\n")
    pytester.path.joinpath("golink.toml").write_text(
        '[[binary]]\nname = "app"\npackage = "."\ntargets = ["linux/amd64", "darwin/arm64"]\n'
        "rules = { same-linkage = true }\n"
    )
    pytester.runpytest("golink.toml", "--golink-report-file=golink.md")
    report = pytester.path.joinpath("golink.md").read_text()

    assert "1 image" in report
    assert re.findall(r"^\| <code>(\w+)</code> \| <code>linux/amd64</code>", report, re.MULTILINE) == ["app"]


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize("distributed", [(), ("-n1",)], ids=["one process", "xdist"])
def test_failures_are_as_wide_as_the_terminal_and_each_after_the_first_has_few_lines(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, distributed: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "70")
    pytester.path.joinpath("golink.toml").write_text(POLICY)
    shown = pytester.runpytest_subprocess("golink.toml", *distributed).stdout.str()
    failures = shown.partition("FAILURES")[2].partition("short test summary")[0]
    _, *others = re.split(r"^_+ net \S+ _+$", failures, flags=re.MULTILINE)

    assert max(map(len, failures.splitlines())) == 70
    assert len(others) == 6
    assert sum(len(each.strip().splitlines()) for each in others[1:]) <= 25


@pytest.mark.usefixtures("module")
def test_a_test_that_runs_again_has_the_whole_cause_again(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    # tests/conftest.py switches rerunfailures off.
    monkeypatch.delenv("PYTEST_ADDOPTS")
    pytester.path.joinpath("golink.toml").write_text(POLICY)
    plugins = ("randomly", "pytest-shard", "pytest-split")
    others = [word for plugin in plugins for word in ("-p", f"no:{plugin}")]

    shown = pytester.runpytest_subprocess("golink.toml", "--reruns=1", *others).stdout.str()

    failures = shown.partition("FAILURES")[2].partition("short test summary")[0]
    assert failures.count(CAUSE) == 1
    assert SEE.findall(failures) == ["static"] * 4
