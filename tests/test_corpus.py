"""The data of `make corpus`: every file has its truth, every explanation its file, and nothing passes unread."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from tests.slow.corpus.compare import main, read_explanations, read_truth
from tests.slow.corpus.lay_out import in_place, join_slices, read_manifest, wanted

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from pytest_golink import GoSample


def test_every_file_of_the_manifest_has_its_truth() -> None:
    truth = {record["key"]: (record["sha256"], record["size"], record["lang"]) for record in read_truth("")}

    assert truth == {row["key"]: (row["sha256"], int(row["size"]), row["lang"]) for row in read_manifest()}


def test_every_explanation_is_about_a_file_and_has_a_reason() -> None:
    keys = [row["key"] for row in read_manifest()]

    for each in read_explanations():
        assert any(fnmatchcase(key, each.key) for key in keys)
        assert len(each.reason) > 20


def test_files_that_are_not_there_fail_the_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--only", "bin/micro"]) == 1
    assert "missing: run fetch.sh" in capsys.readouterr().out
    assert main([str(tmp_path), "--only", "no such file"]) == 1


def test_another_file_in_place_of_one_fails_the_comparison(
    go_sample: GoSample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = (row for row in read_manifest() if row["key"].endswith("/bin/micro"))
    place = tmp_path / row["key"]
    place.parent.mkdir(parents=True)
    place.write_bytes(go_sample("static", target="linux/amd64", cgo=False).path.read_bytes())

    assert main([str(tmp_path), "--only", row["key"]]) == 1
    assert "linkage: golink 'static', the tools 'dynamic'" in capsys.readouterr().out
    assert not in_place(row, tmp_path)
    assert row["artifact"] in wanted(tmp_path)


def test_thin_images_are_joined_as_lipo_does(go_sample: GoSample) -> None:
    thin = go_sample("static", target="darwin/arm64", cgo=False).path.read_bytes()
    whole = join_slices([thin])

    assert whole[:8] == bytes.fromhex("cafebabe00000001")
    assert whole[1 << 14 :] == thin
