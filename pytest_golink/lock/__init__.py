"""golink.lock: what each image links to, agreed to once and held from then on."""

from __future__ import annotations

from pytest_golink.lock.drift import Difference, Drift, compare
from pytest_golink.lock.drift_text import RULE, diff_lines, drift_finding, drift_text, gone_text
from pytest_golink.lock.entry import entry_name, lock_entry
from pytest_golink.lock.file import lock_path, read_lock, write_lock
from pytest_golink.lock.model import Lock, LockEntry
from pytest_golink.lock.text import lock_text, parse_lock
from pytest_golink.lock.tolerance import Tolerance, parse_tolerance
from pytest_golink.lock.update import Seen, Update, updated

__all__ = [
    "RULE",
    "Difference",
    "Drift",
    "Lock",
    "LockEntry",
    "Seen",
    "Tolerance",
    "Update",
    "compare",
    "diff_lines",
    "drift_finding",
    "drift_text",
    "entry_name",
    "gone_text",
    "lock_entry",
    "lock_path",
    "lock_text",
    "parse_lock",
    "parse_tolerance",
    "read_lock",
    "updated",
    "write_lock",
]
