"""golink.lock: what each image links to, accepted once and compared from then on."""

from __future__ import annotations

from pytest_golink.lock.drift import Difference, Drift, Seen, Update, compare, updated
from pytest_golink.lock.drift_text import RULE, diff_lines, drift_finding, drift_text, removed_text
from pytest_golink.lock.entry import entry_name, lock_entry
from pytest_golink.lock.model import VERSION, Lock, LockEntry, Tolerance, parse_tolerance
from pytest_golink.lock.text import lock_path, lock_text, parse_lock, read_lock, write_lock

__all__ = [
    "RULE",
    "VERSION",
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
    "lock_entry",
    "lock_path",
    "lock_text",
    "parse_lock",
    "parse_tolerance",
    "read_lock",
    "removed_text",
    "updated",
    "write_lock",
]
