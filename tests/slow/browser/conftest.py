"""A headless Chromium that shows reports; a machine without one fails these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.slow.browser.chromium import Page

# Imported when asked for: the other tests collect this folder too, and do without selenium.


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    from tests.slow.browser.chromium import start

    browser = start()
    yield browser
    browser.quit()


@pytest.fixture
def page(driver: Any, tmp_path: Path) -> Iterator[Page]:
    from tests.slow.browser.chromium import Page

    opened = Page(driver=driver, folder=tmp_path)
    opened.resize(1440, 1000)
    opened.emulate(prefers_color_scheme="light")
    opened.console()
    yield opened
    # Whatever was done: nothing on the console.
    assert opened.console() == []
    driver.get("about:blank")
