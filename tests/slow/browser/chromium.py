"""A report in a headless Chromium."""

from __future__ import annotations

import importlib.metadata
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from pytest_golink.report.html import html_report

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink.report.model import Report

_WAIT_S = 20
# Standards and what axe-core holds to be good practice.
_AXE = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# This package has a recent axe-core in it; its own code is for another browser driver.
_AXE_PACKAGE = "axe-playwright-python"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A report in a browser."""

    driver: Any
    folder: Path

    def open(self, report: Report, state: str = "") -> None:
        """Show a report, with that after the "#" of its address."""
        file = self.folder / "report.html"
        file.write_text(html_report(report, made="2026-11-23 12:00 UTC"), encoding="utf-8")
        # From another page: an address that differs only after the "#" loads nothing.
        self.driver.get("about:blank")
        self.driver.get(f"{file.as_uri()}{state and '#'}{state}")

    def run(self, script: str, *arguments: object) -> Any:
        """Run a script in the page, and give what it returns."""
        return self.driver.execute_script(script, *arguments)

    def all(self, selector: str) -> list[Any]:
        """Return the elements that a reader can see."""
        return [element for element in self.driver.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]

    def one(self, selector: str) -> Any:
        """Return the first of them, as soon as there is one."""
        return self.wait(lambda: next(iter(self.all(selector)), None))

    def texts(self, selector: str) -> list[str]:
        """Return their texts."""
        # In one step: between two of them the page may have changed.
        return list(
            self.run(
                "return [...document.querySelectorAll(arguments[0])].filter((each) => each.checkVisibility())"
                ".map((each) => each.innerText.trim().replace(/\\s+/g, ' '))",
                selector,
            )
        )

    def wait(self, condition: Any) -> Any:
        """Wait until it holds."""
        return WebDriverWait(self.driver, _WAIT_S).until(lambda _driver: condition())

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def state(self) -> str:
        """Return what comes after the "#" of the address."""
        return str(self.run("return location.hash.slice(1)"))

    def console(self) -> list[str]:
        """Return the browser's complaints."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def barriers(self) -> list[str]:
        """Return what axe-core finds."""
        self.run(_axe())
        violations = self.driver.execute_async_script(
            "axe.run(arguments[0]).then((found) => arguments[1](found.violations))", {"runOnly": _AXE}
        )
        return [
            f"{each['id']}: {node['target']} {node['failureSummary']}" for each in violations for node in each["nodes"]
        ]

    def emulate(self, **features: str) -> None:
        """Set media features, "_" for "-"."""
        wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def resize(self, width: int, height: int) -> None:
        """Set the size of the window, narrower than a window manager allows."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < height}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def _axe() -> str:
    files = importlib.metadata.files(_AXE_PACKAGE) or ()
    return next(file.read_text() for file in files if file.name == "axe.min.js")


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail(
            f"there is no {names[0]} on PATH: on Debian, apt-get install chromium chromium-driver", pytrace=False
        )
    return found


def start() -> Any:
    """Start the browser."""
    options = Options()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(_program("chromedriver")))
