"""The collectors of a golink.toml: the file, its images, and its binaries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.collect.images import images_of
from pytest_golink.collect.items import GolinkPath, GolinkRule, PolicyPart
from pytest_golink.collect.node_ids import item_id
from pytest_golink.collect.patterns import expanded
from pytest_golink.fixtures import RUN
from pytest_golink.report.properties import left_out_property
from pytest_golink.rules import RULES
from pytest_golink.text.escape import escape

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from pytest_golink.collect.images import Image
    from pytest_golink.collect.items import PolicyItem
    from pytest_golink.errors import GolinkError
    from pytest_golink.location import Location
    from pytest_golink.policy.model import Policy, PolicyBinary, RuleRequest

    # Each part of the file, with its items.
    Parts = list[tuple[PolicyPart, list[PolicyItem]]]


class GolinkFile(pytest.File):
    """One golink.toml."""

    def __init__(self, *, policy: Policy, **others: Any) -> None:
        super().__init__(**others)
        self.policy = policy
        self._taken: set[str] = set()
        # By the name of the binary.
        self._left_out: dict[str, tuple[str, str]] = {}

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Yield a collector for each image, and one for each binary that has its own items."""
        parts = self._parts()
        settings = self.config.stash[RUN].settings
        if settings.lock or settings.update_lock:
            parts = self._with_lock_items(parts, update=settings.update_lock)
        self._count_left_out(item for _, items in parts for item in items if isinstance(item, GolinkRule))
        self._hand_out_waivers([item for _, items in parts for item in items if isinstance(item, GolinkRule)])
        # pytest reads `golink.toml::app[linux/amd64]::static` as a file and one name, because a bracket starts its
        # parameters. An item selected in this way is a child of the file, under that name.
        selected = _selected(self.config, self.path)
        for part, items in parts:
            part.given = [item for item in items if f"{part.name}::{item.name}" not in selected]
            if part.given:
                yield part
            yield from (item.as_child_of_file(self) for item in items if item not in part.given)

    def unique_name(self, part: PolicyPart, name: str, place: Location) -> str:
        """
        Return an item's name, with the line of its rule if another item already has the id.

        Two binaries without a name may find the same file and have the same rule with other parameters. xdist runs only
        one of two items with the same id.
        """
        if f"{part.name}::{name}" in self._taken:
            name = f"{name} (line {place.line})"
        self._taken.add(f"{part.name}::{name}")
        return name

    def _parts(self) -> Parts:
        run = self.config.stash[RUN]
        self._taken.clear()
        parts: list[GolinkImage | GolinkBinary] = []
        for binary, not_found in expanded(self.policy, run.main_packages):
            found = images_of(binary, self.policy, run.extracted)
            images, errors = found.images, (*found.errors, *not_found)
            if found.left_out:
                self._left_out[binary.name] = left_out_property(str(binary.place), found.left_out)
            parts += [GolinkImage.from_parent(self, name=_name(image.label), image=image) for image in images]
            together = _together(images)
            if together or errors:
                parts.append(
                    GolinkBinary.from_parent(
                        self, name=_name(binary.name), binary=binary, images=images, requests=together, errors=errors
                    )
                )
        return [(part, list(part.items(self))) for part in parts]

    def _with_lock_items(self, parts: Parts, *, update: bool) -> Parts:
        from pytest_golink.collect.lock_items import LockedPolicy, lock_item, removed_images

        images = {part.image.label: part for part, _ in parts if isinstance(part, GolinkImage)}
        complete = not any(isinstance(item, GolinkPath) for _, items in parts for item in items)
        locked = LockedPolicy(self.policy, images, complete=complete, update=update)
        with_lock: Parts = []
        for part, items in parts:
            # An image that two binaries find has one entry.
            is_first = isinstance(part, GolinkImage) and images.pop(part.image.label, None) is not None
            own = [lock_item(part, part.image, locked)] if is_first and isinstance(part, GolinkImage) else []
            with_lock.append((part, [*items, *own]))
        return [*with_lock, *removed_images(self, locked)]

    def _count_left_out(self, items: Iterable[GolinkRule]) -> None:
        # On each item: any of them may be the only one that runs.
        for item in items:
            if (left_out := self._left_out.get(item.binary.name)) is not None:
                item.user_properties.append(left_out)

    def _hand_out_waivers(self, items: list[GolinkRule]) -> None:
        for waiver in self.policy.waivers:
            concerned = [item for item in items if item.may_need(waiver)]
            for item in concerned:
                item.waivers.append((waiver, len(concerned)))


class GolinkImage(PolicyPart):
    """One image, built or prebuilt."""

    def __init__(self, *, image: Image, **others: Any) -> None:
        super().__init__(**others)
        self.image = image

    def items(self, file: GolinkFile) -> Iterator[PolicyItem]:
        """Yield an item for each rule on the image."""
        for request in self.image.rules:
            if RULES[request.rule].scope == "image":
                yield _rule_item(file, self, self.image.binary, (self.image,), request)


class GolinkBinary(PolicyPart):
    """The rules on all images of a binary together, and the error for images that were not found."""

    def __init__(
        self,
        *,
        binary: PolicyBinary,
        images: tuple[Image, ...],
        requests: tuple[RuleRequest, ...],
        errors: tuple[GolinkError, ...],
        **others: Any,
    ) -> None:
        super().__init__(**others)
        self._binary = binary
        self._images = images
        self._requests = requests
        self._errors = errors

    def items(self, file: GolinkFile) -> Iterator[PolicyItem]:
        """Yield an item for images that were not found, and one for each rule on the whole binary."""
        if self._errors:
            name = file.unique_name(self, "path", self._binary.place)
            yield GolinkPath.from_parent(
                self, name=name, nodeid=_id(self, name), place=self._binary.place, errors=self._errors
            )
        for request in self._requests:
            # An override may have switched the rule off for some images.
            images = tuple(image for image in self._images if request.rule in (own.rule for own in image.rules))
            yield _rule_item(file, self, self._binary, images, request)


def _rule_item(
    file: GolinkFile, part: PolicyPart, binary: PolicyBinary, images: tuple[Image, ...], request: RuleRequest
) -> GolinkRule:
    name = file.unique_name(part, request.rule, request.place)
    item: GolinkRule = GolinkRule.from_parent(
        part, name=name, nodeid=_id(part, name), policy=file.policy, binary=binary, images=images, request=request
    )
    return item


def _id(part: PolicyPart, name: str) -> Any:
    return item_id(f"{part.nodeid}::{name}")


def _together(images: tuple[Image, ...]) -> tuple[RuleRequest, ...]:
    # The rules on the whole binary, with the parameters of the first image that has them.
    requests: dict[str, RuleRequest] = {}
    for image in images:
        for request in image.rules:
            if RULES[request.rule].scope == "binary":
                requests.setdefault(request.rule, request)
    return tuple(requests.values())


def _name(text: str) -> str:
    # A file or a member of an archive may have any name.
    return escape(text).replace("::", ": :")


def _selected(config: pytest.Config, file: os.PathLike[str]) -> frozenset[str]:
    """Return the item names with a bracket that the command line selects in a file."""
    names = set()
    for argument in config.args:
        before, bracket, _ = argument.partition("[")
        path, colons, _ = before.partition("::")
        if bracket and colons and (config.invocation_params.dir / path).resolve() == file.resolve():  # type: ignore[attr-defined]
            names.add(argument[len(path) + len(colons) :])
    return frozenset(names)
