"""Image × platform, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_golink.__main__ import main
from pytest_golink.platforms import PLATFORMS
from pytest_golink.report.platform_matrix import matrix_json, platform_matrix
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, MACHO, STATIC, go, needed

if TYPE_CHECKING:
    import pytest

    from pytest_golink import GoSample

V1 = go(GOAMD64="v1")


def rows(text: str) -> list[str]:
    return text.splitlines()


def test_releases_with_one_answer_stand_together() -> None:
    text = platform_matrix(replace(DYNAMIC, go=V1), width=80)

    assert rows(text)[0] == "build/app (linux/amd64)"
    assert (
        "  debian               no   10: needs GLIBC_2.34 (pthread_create); debian10 has\n"
        "                            2.28\n"
        "                       no   11: needs GLIBC_2.34 (pthread_create); debian11 has\n"
        "                            2.31\n"
        "                       yes  12 13\n"
    ) in text
    assert "  busybox              yes  glibc\n" in text
    assert (
        "  alpine               no   3.15–3.24: PT_INTERP /lib64/ld-linux-x86-64.so.2 is\n"
        "                            not there: its loader is musl's\n"
    ) in text
    assert max(map(len, rows(text))) <= 80


def test_platforms_of_another_system_are_one_row() -> None:
    text = platform_matrix(replace(STATIC, go=V1), width=80)

    assert "  scratch              yes\n" in text
    assert "  others               no   it is for linux/amd64, not for darwin, windows,\n" in text
    assert "                            freebsd, openbsd\n" in text


def test_what_is_left_open_and_what_is_a_caution_are_shown() -> None:
    text = platform_matrix(replace(DYNAMIC, needed=needed("/opt/\x1b[2Jx.so"), version_needs=(), imports=()), width=80)

    assert "  debian               ?    10–13: /opt/\\x1b[2Jx.so: what is in that path there\n" in text
    assert "\x1b" not in text
    assert "  caution  the build info does not record GOAMD64" in text


def test_an_image_without_a_target_has_every_platform_as_its_own() -> None:
    text = platform_matrix(replace(STATIC, target=None), width=80)

    assert rows(text)[0] == "build/app"
    assert "others" not in text
    assert "  windows              ?    7–11: the image does not say what system and CPU it" in text


def test_a_macos_image_has_macos_s_rows_alone() -> None:
    text = platform_matrix(MACHO, width=80)

    assert [line.split()[0] for line in rows(text)[1:] if not line.startswith("   ")] == ["macos", "others", "caution"]


def test_an_archive_starts_nowhere() -> None:
    assert rows(platform_matrix(ARCHIVE, width=80))[1] == "  an archive, which is not linked yet: it starts nowhere"


def test_the_json_has_every_platform_with_its_reason() -> None:
    found = matrix_json(replace(DYNAMIC, go=V1))

    assert (found["schema"], found["path"], found["slice"], found["target"]) == (1, "build/app", None, "linux/amd64")
    assert [each["platform"] for each in found["platforms"]] == list(PLATFORMS)
    by_name = {each["platform"]: each for each in found["platforms"]}
    assert by_name["debian12"] == {"platform": "debian12", "starts": True, "reason": "", "cautions": []}
    assert by_name["scratch"]["starts"] is False
    assert matrix_json(replace(STATIC, target=None))["target"] is None


def test_the_command_prints_the_matrix_of_files(
    go_sample: GoSample, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    path = str(go_sample("static", target="linux/amd64", cgo=False).path)

    assert main(["--platforms", path]) == 0
    assert "  alpine               yes  3.15–3.24\n" in capsys.readouterr().out
    assert main(["--platforms", "--json", path]) == 0
    (image,) = json.loads(capsys.readouterr().out)
    assert len(image["platforms"]) == len(PLATFORMS)
