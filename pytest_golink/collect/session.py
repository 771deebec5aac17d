"""The policy files of a run: those that pytest finds, and those that the command line names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import PolicyError
from pytest_golink.fixtures import RUN
from pytest_golink.location import LocatedText
from pytest_golink.settings import POLICY_FILE, named_policies

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_golink.collect.file import GolinkFile
    from pytest_golink.location import Location
    from pytest_golink.policy.model import Policy


class _Policies:
    """The policy files of a run, each read once."""

    def __init__(self, rootpath: Path, *, locked: bool, update: bool) -> None:
        self._rootpath = rootpath
        # Whether golink compares images with a lock, which must exist then; and whether each policy has a lock at all.
        self._locked = locked
        self._has_locks = locked or update
        self._read: dict[Path, Policy | PolicyError] = {}
        self.collected: set[Path] = set()

    def get(self, path: Path) -> Policy | None:
        """Return a policy; None if it has mistakes."""
        if path not in self._read:
            from pytest_golink.policy import read_policy

            try:
                self._read[path] = read_policy(path, file=self._shown(path))
            except PolicyError as error:
                self._read[path] = error
        known = self._read[path]
        return None if isinstance(known, PolicyError) else known

    def _shown(self, path: Path) -> str:
        # In the form in which the node ids of its items start.
        return path.relative_to(self._rootpath).as_posix() if path.is_relative_to(self._rootpath) else str(path)

    def mistakes(self) -> list[tuple[Location | None, str]]:
        """Return the mistakes in the policies read so far, and in their locks."""
        found = [mistake for _, known in sorted(self._read.items()) for mistake in self._mistakes(known)]
        return [*found, *((None, text) for text in self._shared_locks())]

    def _shared_locks(self) -> list[str]:
        """Return an error for each policy whose lock file would be the policy itself, or another policy's lock."""
        if not self._has_locks:
            return []
        from pytest_golink.lock import lock_path

        found = []
        first: dict[Path, Path] = {}
        for path in sorted(self._read):
            lock = lock_path(path)
            if lock == path:
                found.append(f"{self._shown(path)}: a policy cannot be called .lock: its lock would replace it")
            elif (other := first.setdefault(lock, path)) != path:
                found.append(
                    f"{self._shown(path)}: its lock, {self._shown(lock)}, is that of {self._shown(other)} as well: "
                    "rename one of the two policies"
                )
        return found

    def _mistakes(self, known: Policy | PolicyError) -> Sequence[tuple[Location | None, str]]:
        if isinstance(known, PolicyError):
            return known.errors
        if not self._locked:
            return ()
        from pytest_golink.collect.lock_items import lock_mistakes

        return lock_mistakes(known)


_POLICIES = pytest.StashKey[_Policies]()


def check_policies(config: pytest.Config, paths: Iterable[Path]) -> None:
    """
    Read the policies that are known before the collection, so that a mistake in them is the first message.

    Raises:
        pytest.UsageError: There are mistakes; the message lists all of them.
    """
    policies = _policies(config)
    for path in paths:
        policies.get(path)
    _raise(policies)


def collect_file(file_path: Path, parent: pytest.Collector) -> GolinkFile | None:
    """Return the collector of a policy file; a policy with mistakes has none, and ends the run after the collection."""
    settings = parent.config.stash[RUN].settings
    is_argument = parent.session.isinitpath(file_path)
    named = is_argument and file_path in settings.policies
    found = file_path.name == POLICY_FILE and (is_argument or not settings.policies)
    return _collector(file_path, parent) if named or found else None


def add_named_policies(session: pytest.Session, items: list[pytest.Item], hidden: Iterable[Path] = ()) -> None:
    """
    Collect the policies that the command line names, in any folder, and end a run that has a policy with mistakes.

    Args:
        session: The run.
        items: Its items, to which those of the policies are added.
        hidden: Policies that pytest does not find, and that belong to this run all the same.

    Raises:
        pytest.UsageError: A policy has mistakes; the message lists all mistakes of all policies.
    """
    policies = _policies(session.config)
    settings = session.config.stash[RUN].settings
    # pytest collects each file in the root folder, and drops the files that no argument names.
    reached = policies.collected if settings.policies else {path for item in items for path in _files(item)}
    for path in (*named_policies(session.config, settings), *hidden):
        # pytest skips folders such as dist and .github, and everything outside its arguments.
        if path not in reached and (node := _collector(path, session)) is not None:
            items.extend(session.genitems(node))
    _raise(policies)


def _files(item: pytest.Item) -> list[Path]:
    return [node.path for node in item.listchain() if isinstance(node, pytest.File)]


def _collector(path: Path, parent: pytest.Collector) -> GolinkFile | None:
    policies = _policies(parent.config)
    policies.collected.add(path)
    policy = policies.get(path)
    if policy is None:
        return None
    from pytest_golink.collect.file import GolinkFile

    return GolinkFile.from_parent(parent, path=path, policy=policy)


def _policies(config: pytest.Config) -> _Policies:
    settings = config.stash[RUN].settings
    policies = _Policies(config.rootpath, locked=settings.lock, update=settings.update_lock)
    return config.stash.setdefault(_POLICIES, policies)


def _raise(policies: _Policies) -> None:
    if mistakes := policies.mistakes():
        # pytest shows each mistake as text; reports read the location from the value.
        raise pytest.UsageError(*(LocatedText(location=location, text=text) for location, text in mistakes))
