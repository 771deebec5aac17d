"""The image that users get, which golink built or found, with the remedies for a policy."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_golink.builder import BuiltImage
from pytest_golink.errors import ParameterError
from pytest_golink.source import remedies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Trial


# Without slots, as BuiltImage is.
@dataclass(frozen=True, kw_only=True, repr=False)
class GoBinary(BuiltImage):
    """An image as fixtures return it: see `BuiltImage`, whose attributes it has."""

    _image: BuiltImage | None = field(default=None, repr=False, compare=False)

    @cached_property
    def facts(self) -> BinaryFacts:
        """
        The image's fact sheet, read when it is first needed.

        Raises:
            UnreadableBinaryError: The image is of a format that cannot be read.
        """
        # The builder keeps the image: what it has read is not read again.
        return super().facts if self._image is None else self._image.facts

    def remedies(self, policy: Mapping[str, object]) -> tuple[Trial, ...]:
        """
        Rebuild with each remedy that may mend a violation, and check the result with the whole policy.

        Args:
            policy: Rules as golink.toml writes them: `{"static": True, "glibc-at-most": "2.17"}`.

        Returns:
            What was tried, the best first; () where the policy holds, or no change of the build can make it hold.

        Raises:
            ParameterError: The image was not built here, or a rule or a parameter is wrong.
        """
        if self.origin is None:
            raise ParameterError(f"{self.name} was not built here: there is nothing to rebuild with other options")
        return remedies(self, policy)


def binary_of(image: BuiltImage) -> GoBinary:
    """Return an image as users get it; its facts are read once for both."""
    return GoBinary(**{each.name: getattr(image, each.name) for each in fields(image)}, _image=image)
