"""Names of packages as a reader in the module's folder knows them: "./cmd/app" for a package of the main module."""

from __future__ import annotations

import re
from functools import lru_cache


def with_short_names(text: str, module: str) -> str:
    """
    Return a text with "./NAME" in place of "MODULE/NAME".

    What stands in a flag stays: a reader may copy it.

    Args:
        text: The text.
        module: The path of the main module, "" where there is none.
    """
    return _packages_of(module).sub("./", text) if module and module in text else text


@lru_cache(maxsize=64)
def _packages_of(module: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\s(])(?<!-X ){re.escape(module)}/(?=\w)")
