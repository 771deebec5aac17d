"""
The key by which golink knows the records that it wrote itself.

pytest's cache folder lies in the project, where a checkout or a restored CI cache may have put anything. So each record
is signed with a key that lies in Go's build cache: whoever can write there decides anyway what Go links.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "pytest-golink.key"
_KEY_BYTES = 32


def sealing_key(go_cache: Path) -> bytes:
    """
    Return the key of this machine; golink makes it at first use.

    Raises:
        OSError: There is none, and golink cannot make one.
    """
    path = go_cache / _NAME
    with suppress(FileNotFoundError):
        return _read(path)
    go_cache.mkdir(parents=True, exist_ok=True)
    descriptor, made = tempfile.mkstemp(dir=go_cache)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(os.urandom(_KEY_BYTES))
        # Whole, and only where no other process was faster.
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        Path(made).unlink()
    return _read(path)


def _read(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise OSError(f"{path} is no key of golink's: remove it")
    return key


def seal(key: bytes, slot: str, values: Mapping[str, object]) -> str:
    """Return the signature of a record in one slot."""
    text = json.dumps([slot, values], sort_keys=True)
    return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
