"""GoBinary: an image as fixtures return it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink import GoBinary, ParameterError
from pytest_golink.builder import BuiltImage
from pytest_golink.gobinary import binary_of

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoSample


def test_a_build_is_a_go_binary_and_the_same_one_for_the_same_options(go_sample: GoSample) -> None:
    binary = go_sample("static", cgo=False)

    assert isinstance(binary, GoBinary)
    assert go_sample("static", cgo=False) is binary
    assert repr(binary) == f"GoBinary(path={binary.path!r}, name={binary.name!r}, target={binary.target!r})"


def test_an_image_is_read_once_for_its_builder_and_its_users(go_sample: GoSample) -> None:
    binary = go_sample("static", cgo=False)
    assert binary.origin is not None

    built = binary.origin.builder.build(binary.origin.job.options)

    assert type(built) is BuiltImage
    assert binary.facts is built.facts
    assert binary_of(built).facts is built.facts
    assert binary_of(built) == binary


def test_an_image_that_users_make_is_read_too_and_has_no_remedies(go_sample: GoSample, tmp_path: Path) -> None:
    made = GoBinary(
        path=tmp_path / "app",
        name="dist/app",
        target=None,
        options=None,
        command=(),
        environment={},
        output="",
        warnings=(),
        seconds=0.0,
        linked=False,
        header=None,
    )
    made.path.write_bytes(go_sample("static", cgo=False).path.read_bytes())

    assert made.facts.linkage == "static"
    with pytest.raises(ParameterError, match="dist/app was not built here: there is nothing to rebuild"):
        made.remedies({"static": True})
