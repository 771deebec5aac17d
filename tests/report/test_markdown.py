"""Markdown for job summaries and comments."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.report.markdown import cell, markdown_report
from pytest_golink.report.model import Report, ReportedError
from tests.report.report_factory import FAILED, RELEASE, finding_of, shipped
from tests.rules.facts_factory import DYNAMIC, OWN_C, STATIC


def test_what_fails_comes_first_then_what_is_waived_and_the_images_are_folded() -> None:
    assert (
        markdown_report(RELEASE)
        == """\
## golink: ❌ 3 images fail (4 images, 5 findings: 2 violated, 1 undecidable, 1 waived, 1 passed)

| image | rule | observed | remedy |
| --- | --- | --- | --- |
| <code>agent</code> <code>linux/amd64</code> | <code>dynamic</code> | <code>static</code><br><code>runtime/cgo is not linked in</code> | <code>CGO\\_ENABLED=1 with a C compiler, and a package that uses cgo</code> |
| <code>app</code> <code>linux/amd64</code> | <code>static</code> | <code>dynamic</code><br><code>net uses cgo: its wrappers are in the image, and runtime/cgo with them</code> | <code>CGO\\_ENABLED=0, or -tags netgo</code> |
| <code>agent</code> <code>windows/amd64</code> | <code>no-link-warnings</code> | *undecidable:* <code>the image was not built in this run, and does not keep the linker's messages</code> | <code>build it with go\\_build, or let CI keep the linker's output</code> |

### Waived

| image | rule | observed | reason |
| --- | --- | --- | --- |
| <code>agent</code> <code>linux/amd64</code> | <code>stripped</code> | <code>a symbol table and DWARF</code> | <code>crash reports need symbols</code> |

<details><summary>4 images</summary>

| image | target | linkage | libc | cgo packages | size | rules |
| --- | --- | --- | --- | --- | --- | --- |
| <code>agent</code> | <code>linux/amd64</code> | static | <code>none</code> | none | 1.5 MB | 1 violated, 1 waived, 1 passed |
| <code>agent</code> | <code>windows/amd64</code> | dynamic | <code>none</code> | none | 1.5 MB | 1 undecidable |
| <code>app</code> | <code>linux/amd64</code> | dynamic | <code>glibc 2.34</code> | <code>net</code>, <code>runtime/cgo</code> | 1.5 MB | 1 violated |
| <code>lib</code> | <code>linux/amd64</code> | archive | <code>none</code> | – | 1.5 MB | – |

</details>
"""  # noqa: E501 - the rows of tables
    )


def test_a_run_that_keeps_every_rule_says_so_in_a_line() -> None:
    report = Report(findings=(finding_of("dynamic", "app", DYNAMIC),))

    assert markdown_report(report) == "## golink: ✅ every rule holds (0 images, 1 finding: 1 passed)\n"


def test_a_run_that_asked_nothing_is_no_success() -> None:
    report = Report(images=(shipped("app", replace(OWN_C, target=None)),))

    assert markdown_report(report).startswith("## golink: no rule was checked (1 image, 0 findings)\n")
    assert "| <code>app</code> | – |" in markdown_report(report)


def test_a_run_that_ended_early_says_so() -> None:
    assert "The run did not come to all of its tests: " in markdown_report(replace(RELEASE, complete=False))
    assert "The run left tests out on request: " in markdown_report(replace(RELEASE, selected=True))


def test_one_finding_of_several_tests_is_one_row() -> None:
    found = finding_of("static", "app", DYNAMIC)
    report = Report(findings=(found, replace(found, test="again")))

    assert markdown_report(report).count("<code>static</code>") == 1
    assert "❌ 1 image fails" in markdown_report(report)


def test_of_very_many_rows_the_first_are_there_and_the_rest_counted() -> None:
    found = [finding_of("static", f"app{number}", DYNAMIC) for number in range(102)]
    report = Report(findings=tuple(found), images=tuple(shipped(f"app{number}", STATIC) for number in range(101)))

    assert "\n\n… 2 more\n" in markdown_report(report)
    assert "\n\n… 1 more\n" in markdown_report(report)


def test_a_stranger_s_text_is_text() -> None:
    assert cell("`a` | **b** [c](d) <b>&amp;") == (
        "<code>\\`a\\` \\| \\*\\*b\\*\\* \\[c\\]\\(d\\) &lt;b&gt;&amp;amp;</code>"
    )
    assert cell("https://x www.x @all mailto:x") == (
        "<code>https<!-- -->://x www<!-- -->.x @<!-- -->all mailto<!-- -->:x</code>"
    )
    assert cell("a\nb\x1b") == "<code>a\\\\nb\\\\x1b</code>"


def test_what_has_no_answer_stands_first() -> None:
    lines = markdown_report(FAILED).split("\n")

    assert lines[0] == (
        "## golink: ❌ 2 images could not be found, built or read, 3 more errors; 3 images fail "
        "(4 images, 5 findings: 2 violated, 1 undecidable, 1 waived, 1 passed)"
    )
    assert lines[2:8] == [
        "| no answer | error | at |",
        "| --- | --- | --- |",
        '| the run | *<code>UsageError</code>:* <code>unknown rule "statik"; did you mean "static"?</code> '
        "| <code>golink.toml:2</code> |",
        "| <code>tests/test\\_release.py::test\\_size</code> | *<code>ParameterError</code>:* "
        "<code>size: expected a size</code> | <code>tests/test\\_release.py::test\\_size</code> |",
        "| <code>agent\\[linux/amd64\\]</code> | *<code>SandboxError</code>:* "
        "<code>user namespaces are off</code> | <code>golink.toml:19</code> |",
        "| <code>tool\\[linux/amd64\\]</code><br><code>tool\\[linux/arm64\\]</code> | "
        "*<code>BuildError</code>:* <code>cmd/tool does not build \\(exit status 1\\)</code><br>"
        "<code>\\# example.com/tool</code><br><code>./main.go:3:15: undefined: x</code> "
        "| <code>golink.toml:30</code> |",
    ]
    assert markdown_report(Report(errors=FAILED.errors)).startswith(
        "## golink: ❌ 2 images could not be found, built or read, 3 more errors (0 images, 0 findings)\n"
    )


def test_long_errors_of_many_images_are_cut() -> None:
    text = "\n".join(f"line {number}" for number in range(20))
    errors = [ReportedError(kind="BuildError", text=text, image=f"tool{number}") for number in range(20)]
    said = markdown_report(Report(errors=tuple(errors)))

    assert "<br>and 14 more |" in said
    assert "<br>… 12 more lines |" in said
