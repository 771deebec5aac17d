"""The HTML report in a browser: `make browser`, not a part of `make test`."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from pytest_golink.report.model import Report
from tests.report import attacks, report_factory

if TYPE_CHECKING:
    from tests.slow.browser.chromium import Page

SERVER = "server linux/amd64 CGO_ENABLED=1"
SERVER_STATE = "image=server%5Blinux%2Famd64%5D+CGO_ENABLED%3D1"
IMAGES = [
    SERVER,
    "server linux/amd64 CGO_ENABLED=0 '-ldflags=-s -w'",
    "server linux/arm64",
    "server darwin/arm64",
    "server windows/amd64",
    "tool linux/amd64",
]
ROWS = '[aria-labelledby="rules"] tbody th'


class TestOverview:
    def test_it_says_first_how_the_run_ended(self, page: Page) -> None:
        page.open(report_factory.FEATURES)

        assert page.one("h1").text == "38 checks of 68 fail, on 6 of 6 images"
        assert page.texts(".verdict .totals li") == ["✕ 26 violated", "? 12 undecidable", "~ 5 waived", "✓ 25 passed"]
        assert page.texts(ROWS) == IMAGES
        assert page.texts('[aria-labelledby="platforms"] tbody th') == IMAGES[:2]

    def test_a_search_filters_and_stands_in_the_address(self, page: Page) -> None:
        page.open(report_factory.FEATURES)

        page.one("#search").send_keys("libsystem")
        page.wait(lambda: page.texts(ROWS) == ["server darwin/arm64"])

        assert page.one("#found").text == "1 of 6 images"
        assert page.state() == "q=libsystem"

        page.open(report_factory.FEATURES, page.state())

        assert page.texts(ROWS) == ["server darwin/arm64"]
        assert page.one("#search").get_property("value") == "libsystem"

        page.one("#reset").click()

        assert page.texts(ROWS) == IMAGES
        assert page.state() == ""
        assert page.one("#search").get_property("value") == ""

    def test_rule_target_and_outcome_filter_together(self, page: Page) -> None:
        page.open(report_factory.FEATURES)

        page.one('input[value="violated"]').click()
        page.one('select[name="rule"]').send_keys("pie")

        assert page.texts(ROWS) == [IMAGES[0], IMAGES[1], IMAGES[2], IMAGES[5]]
        assert page.texts('[aria-labelledby="rules"] thead th') == ["pie"]
        assert page.texts(".group h3") == ["✕ pie: at a fixed address"]

        page.one('select[name="target"]').send_keys("linux/arm64")

        assert page.texts(ROWS) == ["server linux/arm64"]
        assert page.state() == "outcome=violated&rule=pie&target=linux%2Farm64"

        page.one('input[value="violated"]').click()
        page.one('input[value="passed"]').click()

        assert page.texts(ROWS) == []
        assert page.one("#found").text == "0 of 6 images"

    def test_the_rest_of_a_group_is_a_filter(self, page: Page) -> None:
        page.open(report_factory.large(80, 1))

        page.one(".group .names a:last-child").click()
        page.wait(lambda: page.texts("#found") == ["20 of 80 images"])

        assert page.one("#search").get_property("value") == report_factory.large(4, 1).findings[0].finding.cause[0]

    def test_an_empty_report_says_so(self, page: Page) -> None:
        page.open(Report())

        assert page.one("h1").text == "Nothing was checked"


class TestErrors:
    REPORT = replace(report_factory.FEATURES, errors=report_factory.FEATURES_ERRORS)

    def test_what_has_no_answer_is_said_first_and_stands_in_the_matrix(self, page: Page) -> None:
        page.open(self.REPORT)

        assert page.texts("h2")[:2] == ["What has no answer", "What to do first"]
        assert page.texts(".verdict .totals li")[0] == "! 4 errors"
        assert page.texts(ROWS) == [IMAGES[5], "agent linux/amd64", "agent linux/arm64", *IMAGES[:5]]
        assert page.texts('[aria-labelledby="rules"] thead th')[0] == "error"
        assert page.texts("td.error") == ["! error"] * 3
        assert page.run("return document.querySelectorAll('td.error')[1].closest('tr').cells[0].textContent") == (
            "agent linux/amd64"
        )

    def test_errors_are_an_outcome_to_filter_by(self, page: Page) -> None:
        page.open(self.REPORT)

        page.one('input[value="error"]').click()

        assert page.texts(ROWS) == ["tool linux/amd64", "agent linux/amd64", "agent linux/arm64"]
        assert page.state() == "outcome=error"

    def test_an_image_without_facts_has_a_page_with_its_error(self, page: Page) -> None:
        page.open(self.REPORT)

        page.one(".group.error .names a").click()
        page.wait(lambda: page.texts("article h1") == ["agent linux/amd64"])

        assert page.texts("article h2") == ["What has no answer"]
        assert page.texts(".finding.error h3") == ["! BuildError error"]
        assert page.texts(".finding.error pre") == ["# example.com/agent ./main.go:3:15: undefined: x"]
        assert page.texts(".finding.error .from dd")[0] == "golink.toml:21"

    def test_a_run_of_errors_alone_has_them_and_no_more(self, page: Page) -> None:
        page.open(Report(errors=report_factory.FEATURES_ERRORS[:1], complete=False))

        assert page.one("h1").text == "1 error; nothing was checked"
        assert page.texts(".early") == ["The run did not come to all of its tests: what is missing here is not mended."]
        assert page.texts(".group h3") == ['! unknown rule "statik"; did you mean "static"?']
        assert page.barriers() == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("state", ["", "image=agent%5Blinux%2Famd64%5D"])
    @pytest.mark.parametrize("size", [(1440, 1000), (360, 780)])
    def test_axe_finds_no_violations(self, page: Page, scheme: str, state: str, size: tuple[int, int]) -> None:
        page.resize(*size)
        page.emulate(prefers_color_scheme=scheme)
        page.open(self.REPORT, state)

        assert page.barriers() == []
        assert page.run("return document.documentElement.scrollWidth") <= size[0]


class TestImage:
    def test_a_cell_opens_its_finding_and_escape_goes_back(self, page: Page) -> None:
        page.open(report_factory.FEATURES)

        page.one('a[aria-label="violated"][title^="max-size"]').click()

        assert page.one("article h1").text == SERVER
        assert page.state() == f"{SERVER_STATE}&finding=max-size"
        assert page.run("return document.activeElement.textContent") == "✕ max-size size=1 MB violated"
        assert page.driver.title == f"{SERVER} · golink"

        page.press(Keys.ESCAPE)
        page.wait(lambda: page.texts(ROWS) == IMAGES)

        assert page.state() == ""
        assert page.run("return document.activeElement.title").startswith("max-size")

    def test_an_address_leads_to_an_image_and_back_and_forth(self, page: Page) -> None:
        page.open(report_factory.FEATURES, SERVER_STATE + "&finding=static")

        finding = page.one(".finding")
        assert finding.find_element("css selector", "h3").text == "✕ static violated"
        assert [
            each.text
            for each in finding.find_elements("css selector", ".chain")[0].find_elements("css selector", ".package")
        ] == [
            "example.com/shop/cmd/server",
            "example.com/shop/internal/health",
            "net",
            "runtime/cgo",
        ]
        assert page.texts(".chain .place")[:2] == ["cmd/server/main.go:9", "internal/health/probe.go:7"]
        assert page.texts(".trial b") == [trial.remedy for trial in report_factory.TRIALS]
        assert page.texts(".version.floor b, .version.floor .tag") == ["GLIBC_2.34", "glibc floor"]
        assert page.texts(".sizes tbody th")[0] == "runtime"
        assert page.texts("[aria-labelledby^=build] dt") == ["go", "cc"]
        assert page.run("return document.querySelector('.sizes .bar').getBoundingClientRect().width") > 100

        page.one(".way a:nth-of-type(2)").click()
        page.wait(lambda: page.texts("article h1") == [IMAGES[1]])
        page.driver.back()
        page.wait(lambda: page.texts("article h1") == [SERVER])

    def test_a_finding_that_holds_is_unfolded(self, page: Page) -> None:
        page.open(report_factory.FEATURES, SERVER_STATE + "&finding=nx")

        assert "nx passed" in page.run("return document.activeElement.textContent")
        assert page.one("details .finding").is_displayed()

    def test_an_unknown_image_is_said_to_be_unknown(self, page: Page) -> None:
        page.open(report_factory.FEATURES, "image=nobody")

        assert page.one("#found").text == "There is no image nobody in this report."
        assert page.texts(ROWS) == IMAGES

    def test_lines_are_copied(self, page: Page) -> None:
        page.open(report_factory.FEATURES, SERVER_STATE)
        page.driver.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )

        page.one(".trial .copy").click()

        page.wait(lambda: page.one(".copied").text in ("copied", "select it and copy"))


class TestKeyboard:
    def test_a_slash_goes_to_the_search_from_anywhere(self, page: Page) -> None:
        page.open(report_factory.FEATURES)
        page.press("/")
        page.press("tool")
        page.wait(lambda: page.texts(ROWS) == ["tool linux/amd64"])
        page.press(Keys.ESCAPE)

        assert page.texts(ROWS) == IMAGES

        page.open(report_factory.FEATURES, SERVER_STATE)
        page.press("/")
        page.wait(lambda: page.run("return document.activeElement.id") == "search")

        assert page.texts(ROWS) == IMAGES

    def test_arrows_move_in_a_matrix_that_is_one_tab_stop(self, page: Page) -> None:
        page.open(report_factory.FEATURES)
        assert page.run("return document.querySelectorAll('table a:not([tabindex=\"-1\"])').length") == 2
        focused = "return document.activeElement.title || document.activeElement.textContent"

        page.run("document.querySelector('table a').focus()")
        assert page.run(focused) == SERVER
        page.press(Keys.ARROW_RIGHT)
        assert page.run(focused) == "static: dynamic"
        page.press(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
        assert page.run(focused) == "static: dynamic"
        assert page.run("return document.activeElement.closest('tr').cells[0].textContent") == "server darwin/arm64"
        page.press(Keys.END)
        assert page.run(focused).startswith("max-size")
        page.press(Keys.HOME, Keys.ARROW_UP)
        assert page.run(focused) == "server linux/arm64"
        page.press(Keys.ENTER)
        page.wait(lambda: page.texts("article h1") == ["server linux/arm64"])

    def test_tab_reaches_everything_in_order(self, page: Page) -> None:
        page.open(report_factory.FEATURES)
        seen = []
        for _ in range(80):
            page.press(Keys.TAB)
            seen.append(page.run("const e = document.activeElement; return e.id || e.name || e.className || e.tagName"))
            if len(seen) > 1 and seen[-1] == "BODY":
                break

        assert seen[:3] == ["skip", "A", "theme"]
        assert seen.index("theme") < seen.index("search") < seen.index("rule") < seen.index("scroll")


class TestForEveryone:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("state", ["", "q=server&outcome=violated&rule=static", SERVER_STATE])
    @pytest.mark.parametrize("size", [(1440, 1000), (360, 780)])
    def test_axe_finds_no_violations(self, page: Page, scheme: str, state: str, size: tuple[int, int]) -> None:
        page.resize(*size)
        page.emulate(prefers_color_scheme=scheme)
        page.open(report_factory.FEATURES, state)
        page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")

        assert page.run("return document.documentElement.dataset.theme") == scheme
        assert page.barriers() == []

    @pytest.mark.parametrize("state", ["", SERVER_STATE])
    def test_a_phone_scrolls_down_alone(self, page: Page, state: str) -> None:
        page.resize(360, 780)
        page.open(report_factory.FEATURES, state)

        assert page.run("return document.documentElement.scrollWidth") == 360

    def test_the_theme_is_changed_and_kept(self, page: Page) -> None:
        page.open(report_factory.FEATURES)

        page.one("#theme").click()
        page.open(report_factory.FEATURES)

        assert page.run("return document.documentElement.dataset.theme") == "dark"
        assert page.one("#theme").get_attribute("aria-pressed") == "true"

        page.run("localStorage.clear()")

    def test_without_scripts_the_violations_are_there(self, page: Page) -> None:
        page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        try:
            page.open(report_factory.FEATURES)
            text = page.one("body").text
        finally:
            page.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})

        assert "38 checks of 68 fail, on 6 of 6 images" in text
        assert "✕ server linux/amd64: static violated" in text
        assert "PT_INTERP /lib64/ld-linux-x86-64.so.2" in text
        assert "crash reports need symbols until the symbol server is up" in text

    def test_paper_has_every_image_and_no_controls(self, page: Page) -> None:
        page.open(report_factory.FEATURES)

        pdf = base64.b64decode(page.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])
        page.run("dispatchEvent(new Event('beforeprint'))")
        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})

        assert pdf.startswith(b"%PDF")
        assert page.texts("#print h1") == IMAGES
        assert page.all("button, input, select") == []

        page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


class TestHostileNames:
    def test_they_are_text(self, page: Page) -> None:
        page.open(attacks.hostile())
        keys = page.run("return DATA.images.map((image) => image.key)")
        shown = page.one("main").text
        for key in keys:
            page.run("location.hash = hashFor({image: arguments[0]})", key)
            page.wait(lambda key=key: page.run("return state.image") == key)
            shown += page.one("main").text

        # Of the errors' images nothing but the name is known: they are others.
        assert len(keys) == 2 * len(attacks.ATTACKS)
        assert page.driver.title.endswith("· golink")
        assert page.all("img, iframe, object, embed, form[action], main script") == []
        assert page.run("return document.querySelectorAll('a:not([href^=\"#\"])').length") == 0
        assert "lib\\u202egnp.so\\u2066\\u200b" in shown
        assert "\\x1b[2J" in shown
        assert not set(shown) & set("\u202e\u2066\u200b\x1b\x00\x85")


def test_five_hundred_images_with_thirty_rules_stay_responsive(page: Page) -> None:
    """Nothing is timed to pass or fail: machines differ. The figures are for people."""
    page.open(Report())
    report = report_factory.large(500, 30)
    start = time.monotonic()
    page.open(report)
    opened = time.monotonic() - start
    # A frame after the next one has been painted.
    timed = """
        const done = arguments[0];
        const start = performance.now();
        RUN;
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
    """
    page.driver.set_script_timeout(60)

    def measure(script: str) -> float:
        return float(page.driver.execute_async_script(timed.replace("RUN", script)))

    figures = {
        "file MB": round((page.folder / "report.html").stat().st_size / 1e6, 1),
        "made, opened and drawn s": round(opened, 2),
        "search ms": measure("changed({q: 'service-07'})"),
        "filter by outcome ms": measure("changed({q: '', outcome: 'violated'})"),
        "filter by rule ms": measure("changed({outcome: '', rule: 'static'})"),
        "all again ms": measure("changed({rule: ''})"),
        "open an image ms": measure("showImage(IMAGES[0])"),
    }
    print(json.dumps(figures))  # noqa: T201 - what this test is for

    page.run("location.hash = ''")
    page.run("document.querySelector('.more').click()")
    assert (
        len(page.run("return [...document.querySelectorAll('.matrix tbody tr')].map((row) => row.cells.length)")) == 500
    )
