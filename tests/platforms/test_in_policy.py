"""A golink.toml's own platforms reach the rule."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from pytest_golink import GoSample


def test_a_platform_of_the_policy_decides_in_its_items(pytester: pytest.Pytester, go_sample: GoSample) -> None:
    shutil.copy(go_sample("static", target="linux/amd64", cgo=False).path, pytester.path / "app")
    (pytester.path / "golink.toml").write_text(
        """
        [platform.board]
        targets = ["linux/arm64"]
        [platform.box]
        extends = "debian12"
        [[binary]]
        path = "app"
        rules = { runs-on = ["box", "board", "scratch"] }
        """
    )

    result = pytester.runpytest("-p", "no:xdist")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*observed*does not start on board*", "*it is for linux/amd64, not for arm64*"])
