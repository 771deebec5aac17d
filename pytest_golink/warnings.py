"""The warnings of golink, by which `filterwarnings` can name them."""

from __future__ import annotations

import pytest


class GolinkWarning(pytest.PytestWarning):
    """The base of golink's warnings."""

    __module__ = "pytest_golink"


class GolinkDeprecationWarning(GolinkWarning, DeprecationWarning):
    """Something of golink will be removed; the text names the replacement and the version that removes it."""

    __module__ = "pytest_golink"
