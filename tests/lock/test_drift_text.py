"""The text of a drift, at 80 columns."""

from __future__ import annotations

from dataclasses import replace

from pytest_golink.lock import Tolerance, compare, diff_lines, drift_finding, drift_text, removed_text
from tests.lock.entry_factory import entry
from tests.rules import facts_factory as made

NODE = "golink.toml::app[linux/amd64]::lock"
TOLERANCE = Tolerance(share=0.05)


def test_it_is_the_diff_of_the_entry_with_a_word_on_each_line() -> None:
    locked = replace(entry(made.OWN_C), line=14)
    seen = entry(
        made.OWN_C,
        needed=made.needed("libc.so.6", "libresolv.so.2"),
        interpreter="/lib/ld-musl-x86_64-of-another-place.so.1",
        size=3_000_000,
    )

    assert drift_text(compare(locked, seen, TOLERANCE), place="golink.lock:14", nodeid=NODE).splitlines() == [
        "golink: app is not what golink.lock:14 says",
        '- interpreter = "/lib64/ld-linux-x86-64.so.2"',
        '+ interpreter = "/lib/ld-musl-x86_64-of-another-place.so.1"   # another loader',
        '+ needed."libresolv.so.2" = "DT_NEEDED"     # needs one more library',
        '- size = "1.50 MB"',
        '+ size = "3.00 MB"                          # grew by 100%',
        "",
        "better than locked, which by itself would not fail:",
        '- needed."libm.so.6" = "DT_NEEDED"   # needs it no more',
        "",
        f"accept it: pytest --golink-update-lock '{NODE}'",
        "   or all: pytest --golink-update-lock",
    ]


def test_a_reason_that_has_no_room_beside_its_line_stands_below() -> None:
    floor = made.DYNAMIC.libc
    seen = entry(made.DYNAMIC, libc=replace(floor, floor="2.38", floor_symbols=("a_long_name" * 3, "b" * 30)))

    lines = diff_lines(compare(entry(made.DYNAMIC), seen, TOLERANCE).differences, width=80)

    assert lines == [
        '- libc-floor = "2.34"',
        '+ libc-floor = "2.38"',
        "    # needs a newer glibc: a_long_namea_long_namea_long_name,",
        "    # bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    ]


def test_an_image_that_is_not_in_the_lock_is_shown_whole() -> None:
    drift = compare(None, entry(made.ARCHIVE), TOLERANCE)

    assert drift_text(drift, place="golink.lock", nodeid="golink.toml::app::lock").splitlines() == [
        "golink: app is not in golink.lock: its linkage has not been accepted yet",
        '+ target = "linux/amd64"',
        '+ format = "ar"',
        '+ kind = "archive"',
        '+ libc = "none"',
        '+ libc-presence = "none"',
        '+ size = "1.50 MB"',
        "",
        "accept it: pytest --golink-update-lock golink.toml::app::lock",
        "   or all: pytest --golink-update-lock",
    ]


def test_an_image_that_is_in_the_lock_alone_says_how_it_goes() -> None:
    assert removed_text("old[linux/386]", place="golink.lock:9", policy="golink.toml").splitlines() == [
        "golink: old[linux/386] is in golink.lock:9, but golink.toml has no such image:",
        "its binary or target was removed or renamed, or golink did not find it",
        "",
        "remove it from the lock, in a run of all images: pytest --golink-update-lock",
    ]


def test_a_diff_of_thousands_of_lines_is_cut() -> None:
    seen = entry(made.STATIC, needed=made.needed(*(f"lib{number:04}.so" for number in range(2000))))

    lines = diff_lines(compare(entry(made.STATIC), seen, TOLERANCE).differences, width=80)

    assert len(lines) == 81
    assert lines[-1] == "… 1920 more lines"


def test_reports_have_it_as_a_finding() -> None:
    seen = entry(made.DYNAMIC, needed=made.needed("libc.so.6", "libm.so.6", "libz.so.1"))
    drift = compare(entry(made.DYNAMIC), seen, TOLERANCE)

    finding = drift_finding(drift, made.DYNAMIC, name="app", place="golink.lock:3", nodeid=NODE)

    assert (finding.rule, finding.outcome, finding.image, finding.target) == ("lock", "violated", "app", "linux/amd64")
    assert (finding.path, finding.place) == ("build/app", "golink.lock:3")
    assert finding.expected == "what the lock says"
    assert finding.observed == "needs one more library"
    assert finding.evidence == (
        '+ needed."libm.so.6" = "DT_NEEDED"   # needs one more library',
        '+ needed."libz.so.1" = "DT_NEEDED"   # needs one more library',
    )
    assert finding.remedy == (f"accept it: pytest --golink-update-lock '{NODE}'",)


def test_a_finding_that_passes_says_why() -> None:
    def observed(old: object, new: object) -> tuple[str, str]:
        drift = compare(entry(made.DYNAMIC, size=old), entry(made.DYNAMIC, size=new), TOLERANCE)
        finding = drift_finding(drift, replace(made.DYNAMIC, target=None), name="app", place="", nodeid=NODE)
        assert finding.remedy == ()
        assert finding.target is None
        return finding.outcome, finding.observed

    assert observed(1000, 1000) == ("passed", "as locked")
    assert observed(2000, 1000) == ("passed", "better than locked")


def test_a_finding_of_an_image_that_the_lock_does_not_have_has_no_diff() -> None:
    finding = drift_finding(
        compare(None, entry(made.STATIC), TOLERANCE), made.STATIC, name="app", place="golink.lock", nodeid=NODE
    )

    assert (finding.outcome, finding.observed, finding.evidence) == ("violated", "not in the lock", ())
