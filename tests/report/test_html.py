"""The HTML report: one file that loads nothing, says what fails without a script, and is the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import pytest_golink.report.html
from pytest_golink.facts import Module
from pytest_golink.findings import Finding
from pytest_golink.report.html import html_report
from pytest_golink.report.html.data import code, page_data, verdict
from pytest_golink.report.model import Report, ReportedError, ReportedFinding
from pytest_golink.text.escape import escape
from tests.report.attacks import ATTACKS, hostile
from tests.report.report_factory import FEATURES, FEATURES_ERRORS, image, large
from tests.rules.facts_factory import ARCHIVE, MACHO, STATIC, go, symbols

MADE = "2026-11-23 12:00 UTC"
# Elements that have no end.
VOID = {"meta", "link"}


class Page(HTMLParser):
    """A strict reading: elements end in the order in which they began."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
            self.inside.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self._open):
            self.inside[tag][-1] += data


def texts(page: Page, tag: str) -> list[str]:
    return [" ".join(text.split()) for text in page.inside.get(tag, [])]


def island(text: str) -> Any:
    return json.loads(text.split('id="data">')[1].split("</script>")[0])


class TestDocument:
    def test_it_loads_nothing(self) -> None:
        page = Page(html_report(FEATURES, made=MADE))

        loading = [
            value for _, given in page.elements for name, value in given.items() if name in ("src", "href", "srcset")
        ]
        assert [value for value in loading if not str(value).startswith("#")] == ["data:,"]
        assert "url(" not in page.inside["style"][0]
        assert "@import" not in page.inside["style"][0]
        assert not re.search(r"https?://|fetch\(|XMLHttpRequest|import\(", page.inside["script"][1])

    def test_its_policy_allows_its_own_style_and_script_alone(self) -> None:
        page = Page(html_report(FEATURES, made=MADE))

        def digest(text: str) -> str:
            return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

        (policy,) = [
            given["content"] for _, given in page.elements if given.get("http-equiv") == "Content-Security-Policy"
        ]
        assert policy == (
            f"default-src 'none'; style-src {digest(page.inside['style'][0])}; "
            f"script-src {digest(page.inside['script'][1])}; img-src data:; base-uri 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        )
        # Attributes that such a policy would not let work.
        assert not [name for _, given in page.elements for name in given if name == "style" or name.startswith("on")]

    def test_its_scripts_make_no_markup_of_strings(self) -> None:
        folder = Path(pytest_golink.report.html.__file__).parent
        scripts = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.js"))

        assert len(scripts) > 10_000
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", scripts)

    def test_the_same_report_is_the_same_page(self) -> None:
        first, second = html_report(FEATURES, made=MADE), html_report(FEATURES, made=MADE)

        assert first == second
        assert html_report(FEATURES, made="later") == first.replace(MADE, "later")

    def test_it_begins_with_the_verdict_and_what_to_do_first(self) -> None:
        page = Page(html_report(FEATURES, made=MADE))

        assert texts(page, "title") == ["golink: 38 checks of 68 fail, on 6 of 6 images"]
        assert texts(page, "h1") == ["38 checks of 68 fail, on 6 of 6 images"]
        (cause,) = FEATURES.findings[0].finding.cause
        assert texts(page, "h3")[0] == f"✕ {cause}"
        links = [given["href"] for tag, given in page.elements if tag == "a"]
        assert "#image=server%5Blinux%2Famd64%5D+CGO_ENABLED%3D1" in links

    def test_without_scripts_every_violation_is_there(self) -> None:
        page = Page(html_report(FEATURES, made=MADE))
        (said,) = texts(page, "noscript")

        assert said.count(" violatedexpected") == 26
        assert "✕ server linux/amd64: needs-libc kind=glibc at-most=2.17 violated" in said
        assert "~ tool linux/amd64: stripped waived" in said
        assert "crash reports need symbols until the symbol server is up" in said
        assert "what dlopen loads at run time" in said

    def test_many_causes_are_folded_and_many_images_are_a_link_to_them(self) -> None:
        def finding(number: int, cause: tuple[str, ...]) -> ReportedFinding:
            made = Finding(
                rule="static",
                outcome="violated",
                image=f"app{number}",
                target=None,
                expected="static",
                observed="dynamic",
                cause=cause,
            )
            return ReportedFinding(test="t", finding=made)

        causes = [finding(number, (f"cause {max(0, number - 9)}",)) for number in range(80)]
        page = Page(html_report(Report(findings=tuple(causes)), made=MADE))

        assert texts(page, "summary") == ["65 more"]
        assert "… and 11 more: see the matrix" in texts(page, "p")
        assert "and 4 more" in texts(page, "a")
        assert "#q=cause+0" in [given.get("href") for _, given in page.elements]

        plain = [finding(number, ()) for number in range(8)]
        page = Page(html_report(Report(findings=tuple(plain)), made=MADE))

        assert "#outcome=violated&rule=static" in [given.get("href") for _, given in page.elements]

    def test_a_run_that_ended_early_says_so(self) -> None:
        early = html_report(replace(FEATURES, complete=False), made=MADE)

        said = "The run did not come to all of its tests: what is missing here is not mended."
        assert said in early
        assert said not in html_report(FEATURES, made=MADE)


class TestVerdict:
    def test_nothing_is_never_a_pass(self) -> None:
        assert verdict(Report()) == "Nothing was checked"
        assert verdict(Report(images=(image("app", STATIC),))) == "No rule checked 1 image"
        assert 'class="verdict none"' in html_report(Report(), made=MADE)

    def test_what_fails_is_counted(self) -> None:
        (first, *_) = FEATURES.findings
        of_all = replace(first, finding=replace(first.finding, rule="same-linkage", path="", target=None))

        assert verdict(Report(findings=(first,))) == "1 check of 1 fails, on 1 of 1 image"
        assert (
            verdict(Report(images=FEATURES.images, findings=(first, of_all))) == "2 checks of 2 fail, on 1 of 6 images"
        )
        assert verdict(Report(images=FEATURES.images, findings=(of_all,))) == "1 check of 1 fails"

    def test_all_that_holds_is_said_to(self) -> None:
        passed = [each for each in FEATURES.findings if each.finding.outcome == "passed"]

        assert (
            verdict(Report(images=FEATURES.images, findings=tuple(passed))) == "No check fails: 25 checks on 6 images"
        )


class TestHostileNames:
    @pytest.mark.parametrize("name", ATTACKS, ids=range(len(ATTACKS)))
    def test_a_name_is_text_wherever_it_stands(self, name: str) -> None:
        text = html_report(hostile(), made=MADE)
        page = Page(text)

        assert {tag for tag, _ in page.elements} <= {
            "html", "head", "meta", "title", "link", "style", "body", "a", "header", "p", "span", "button", "main",
            "div", "section", "h1", "h2", "h3", "ul", "ol", "li", "b", "code", "dl", "dt", "dd", "noscript", "footer",
            "kbd", "script", "details", "summary", "pre",
        }  # fmt: skip
        assert len(page.inside["script"]) == 2
        assert escape(name, longest=1000) in page.inside["noscript"][0]
        assert not set(text) & set("\u202e\u2066\u200b\x1b\x00\x85\udcff")
        assert "<" not in text.split('id="data">')[1].split("</script>")[0]

    def test_a_long_name_is_cut_but_for_what_a_user_copies_and_an_error_s_text(self) -> None:
        text, longest = html_report(hostile(), made=MADE), ATTACKS[-1]

        # A command, and each of two findings' lines of golink.toml and of .goreleaser.yml; and one error.
        assert text.count(longest) <= 7
        assert len(text.replace(longest, "")) < 17_000 * len(ATTACKS)

    def test_a_report_of_surrogates_can_be_written(self, tmp_path: Path) -> None:
        (tmp_path / "out.html").write_text(html_report(hostile(), made=MADE), encoding="utf-8")


class TestData:
    def test_what_is_said_often_is_said_once(self) -> None:
        data = page_data(large(40, 10))

        assert len(data["findings"]) == 400
        assert len(data["pool"]) < 150

    def test_the_island_holds_what_the_scripts_draw_from(self) -> None:
        data = island(html_report(FEATURES, made=MADE))

        assert [each["key"] for each in data["images"]][:2] == [
            "server[linux/amd64] CGO_ENABLED=1",
            "server[linux/amd64] CGO_ENABLED=0 '-ldflags=-s -w'",
        ]
        image, rule, body, tests = data["findings"][0]
        assert (image, data["rules"][rule]["name"], [data["tests"][test] for test in tests]) == (
            0,
            "static",
            ["golink.toml::server[linux/amd64]::static"],
        )
        assert data["pool"][body]["chains"][0][0] == ["example.com/shop/cmd/server", "cmd/server/main.go:9"]
        assert data["pool"][data["images"][0]["links"]]["libraries"] == [
            [
                "libc.so.6",
                "DT_NEEDED",
                [["GLIBC_2.34", True, ["pthread_create"], 0], ["GLIBC_2.2.5", False, ["getaddrinfo"], 0]],
            ]
        ]

    def test_findings_without_their_image_have_a_page_too(self) -> None:
        findings = tuple(
            ReportedFinding(
                test="t",
                finding=Finding(
                    rule=rule, outcome="violated", image="app", target=None, path=path, expected="e", observed="o"
                ),
            )
            for rule, path in (("static", "a"), ("later-rule", "b"), ("same-linkage", ""))
        )
        data = page_data(Report(findings=findings))

        assert [each["key"] for each in data["images"]] == ["app", "app b", "app all of its images"]
        # A rule that this version does not know stands last, without a summary.
        assert data["rules"][-1] == {"name": "later-rule", "summary": ""}

    def test_the_modules_of_a_build_are_facts(self) -> None:
        fork = Module(path="example.com/fork", version="v1.1.0")
        modules = (Module(path="example.com/a", version="v1.0.0", replace=fork),)
        facts = replace(
            STATIC, go=replace(go(), module=Module(path="example.com/app", version="(devel)"), modules=modules)
        )
        data = page_data(Report(images=(image("app", facts),)))
        groups = dict(data["pool"][data["images"][0]["facts"]]["groups"])

        assert groups["Go build"][2:] == [
            ["module", ["example.com/app (devel)"]],
            ["modules", ["example.com/a v1.0.0 => example.com/fork v1.1.0"]],
        ]

    def test_lists_are_bounded(self) -> None:
        names = [f"symbol{number}" for number in range(100)]
        facts = replace(STATIC, imports=tuple(one for name in names for one in symbols(name, library=f"{name}.dll")))
        many = replace(STATIC, imports=symbols(*names, library="a.dll"))
        data = page_data(Report(images=(image("a", facts), image("b", many))))
        links = [data["pool"][each["links"]] for each in data["images"]]

        assert (len(links[0]["libraries"]), links[0]["more"]) == (60, 40)
        assert [(len(shown), more) for _, _, shown, more in links[1]["libraries"][0][2]] == [(40, 60)]

    def test_an_archive_links_nothing_yet(self) -> None:
        data = page_data(Report(images=(image("lib", ARCHIVE), image("mac", MACHO))))

        assert [data["pool"][each["links"]]["linked"] for each in data["images"]] == [False, True]

    def test_lines_to_copy_keep_their_backslashes_and_show_what_cannot_be_seen(self) -> None:
        assert code('ldflags = "C:\\x"\n  - y') == 'ldflags = "C:\\x"\n  - y'
        assert code("a\nb\u202ec\\") == "a\nb\\u202ec\\\\"


def test_the_package_holds_its_style_and_scripts() -> None:
    folder = Path(pytest_golink.report.html.__file__).parent
    configuration = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")

    assert {path.suffix for path in folder.iterdir() if path.is_file()} == {".py", ".css", ".js"}
    assert '"report/html/*.css"' in configuration
    assert '"report/html/*.js"' in configuration


class TestErrors:
    def test_what_has_no_answer_is_said_first_and_counts(self) -> None:
        report = replace(FEATURES, errors=FEATURES_ERRORS)
        page = Page(html_report(report, made=MADE))

        said = "2 images could not be found, built or read, 2 more errors; 38 checks of 68 fail, on 6 of 6 images"
        assert texts(page, "h1") == [said]
        assert texts(page, "h2")[:2] == ["What has no answer", "What to do first"]
        assert texts(page, "h3")[:3] == [
            '! unknown rule "statik"; did you mean "static"?',
            "! cmd/agent does not build (exit status 1)",
            "! user namespaces are off",
        ]
        assert texts(page, "pre") == ["# example.com/agent ./main.go:3:15: undefined: x"]
        links = [given.get("href") for _, given in page.elements]
        assert links.index("#image=agent%5Blinux%2Famd64%5D") < links.index("#image=tool%5Blinux%2Famd64%5D")
        assert ("li", {"class": "error"}) in page.elements

    def test_an_error_alone_is_never_a_pass(self) -> None:
        report = Report(errors=FEATURES_ERRORS[:1])
        passed = replace(FEATURES, errors=FEATURES_ERRORS[:1], findings=FEATURES.findings[5:6])

        assert verdict(report) == "1 error; nothing was checked"
        assert 'class="verdict bad"' in html_report(report, made=MADE)
        assert verdict(replace(report, images=FEATURES.images)) == "1 error; no rule checked 6 images"
        assert passed.findings[0].finding.outcome == "passed"
        assert verdict(passed) == "1 error; no other check fails: 1 check on 6 images"

    def test_an_image_without_an_answer_is_in_the_matrix(self) -> None:
        data = page_data(replace(FEATURES, errors=FEATURES_ERRORS))

        assert data["rules"][0]["name"] == "error"
        assert [each["key"] for each in data["images"][6:]] == ["agent[linux/amd64]", "agent[linux/arm64]"]
        assert [(image, rule) for image, rule, _, _ in data["findings"][-3:]] == [(6, 0), (7, 0), (5, 0)]
        assert data["pool"][data["findings"][-3][2]] == {
            "outcome": "error",
            "kind": "BuildError",
            "observed": "cmd/agent does not build (exit status 1)",
            "text": "# example.com/agent\n./main.go:3:15: undefined: x",
            "place": "golink.toml:21",
        }
        assert data["unanswered"] == [[], [6, 7], [5]]

    def test_many_errors_images_and_lines_of_a_policy_are_counted(self) -> None:
        one = ReportedError(kind="ToolchainError", text="no go", image="app")
        many = tuple(replace(one, image=f"app{number}", place=f"golink.toml:{number + 1}") for number in range(9))
        page = Page(html_report(Report(errors=many), made=MADE))

        assert "#outcome=error" in [given.get("href") for _, given in page.elements]
        assert texts(page, "a").count("and 3 more") == 1
        assert texts(page, "dd")[-1] == "and 3 more"
        several = tuple(replace(one, text=f"error {number}") for number in range(8))
        assert texts(Page(html_report(Report(errors=several), made=MADE)), "summary") == ["2 more"]
