"""
Node ids with a bracket before their end: golink.toml::app[linux/amd64]::static.

pytest 9.2 parses an id that it has only as text (from its cache, from an xdist worker) as a name with parameters up to
the end, and closes their bracket when it shows them. The items give their ids the same form, so that --lf finds them,
and mark where the id ends, so that the summary shows them well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_AFTER_BRACKET = "]::"


def item_id(text: str) -> Any:
    """Return the id of an item in the form that this pytest uses: a plain text in older versions."""
    if _AFTER_BRACKET not in text:
        return text
    try:
        from _pytest.nodeid import NodeId
    except ImportError:
        return text
    return _open_ended(NodeId).parse(text)


def mend(report: pytest.TestReport) -> None:
    """Restore the id of a report from a worker, where ids are more than text."""
    report._id = item_id(report.nodeid)  # noqa: SLF001 - setting nodeid would read the text again


def _open_ended(node_id: Any) -> Any:
    if node_id not in _CLASSES:

        class OpenEnded(node_id):  # type: ignore[misc]
            __slots__ = ()

            def __eq__(self, other: object) -> bool:
                fields = ("path", "names", "params")
                return isinstance(other, node_id) and all(getattr(self, one) == getattr(other, one) for one in fields)

            __hash__ = node_id.__hash__

            def __str__(self) -> str:
                return f"{self.path}::{self.rest}"

            @property
            def rest(self) -> str:
                return f"{'::'.join(self.names)}[{self.params}"

        _CLASSES[node_id] = OpenEnded
    return _CLASSES[node_id]


_CLASSES: dict[Any, Any] = {}
