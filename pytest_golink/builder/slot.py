"""
One slot of the image cache: the image of one build, kept between sessions.

    <cache>/slots/<key>/
      lock          held by the process that builds or looks
      record.json   what is known of the image, with golink's signature; written last, and atomically
      image/        the image, and the C header of a c-archive or c-shared build
      build/        a build that is running, or that was interrupted
"""

from __future__ import annotations

import hmac
import json
import shutil
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pytest_golink.builder.seal import seal
from pytest_golink.files import digest, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """
    What is known of a slot.

    `session` is the session that last ran `go build`. `failure` says that this gave no image, None where it did;
    `status` and `output` are the command's. `files` are the names in the image folder, the image first, with their
    SHA-256: a file of another content is not taken for the image, whatever its size and time. `image_output` is what
    the build that linked it printed, since Go does not always print it again. `environment` are the variables that
    golink set, `inherited` the others that decided the build. `external` says that the C linker made the image.
    """

    session: str
    failure: str | None
    status: int
    command: tuple[str, ...]
    environment: dict[str, str]
    inherited: dict[str, str]
    output: str
    seconds: float
    linked: bool
    external: bool
    files: tuple[tuple[str, str], ...]
    image_output: str


class Slot:
    """
    The folder of one key.

    Args:
        folder: The folder.
        seal_with: The key that signs records: a record with another signature is not golink's own.
    """

    def __init__(self, folder: Path, *, seal_with: bytes) -> None:
        self._folder = folder
        self._key = seal_with
        self.images = folder / "image"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the slot, so that no other process builds or looks; the system frees it if this process dies."""
        # Here, not above: it is slow to import.
        from filelock import FileLock

        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / "lock"):
            yield

    def record(self) -> Record | None:
        """Return the record; None if there is none, if another wrote it, or if a file differs from its record."""
        try:
            values = json.loads((self._folder / "record.json").read_text(encoding="utf-8"))
            if not hmac.compare_digest(str(values.pop("seal")), seal(self._key, self._folder.name, values)):
                return None
            values["command"] = tuple(values["command"])
            values["files"] = tuple(tuple(file) for file in values["files"])
            record = Record(**values)
            if all(self._state(name) == (name, state) for name, state in record.files):
                return record
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None

    @contextmanager
    def build_folder(self) -> Iterator[Path]:
        """Yield an empty folder to build in, and remove it afterwards; first remove that of an interrupted build."""
        folder = self._folder / "build"
        # A build that was interrupted; its lock is gone, so it does not run any more.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep(self, made: list[Path]) -> tuple[tuple[str, str], ...]:
        """Put the files of a build in place, and return their names and digests for the record."""
        self.images.mkdir(exist_ok=True)
        for path in made:
            path.replace(self.images / path.name)
        return tuple(self._state(path.name) for path in made)

    def write(self, record: Record) -> None:
        """Write the record, atomically."""
        values = asdict(record)
        text = json.dumps({**values, "seal": seal(self._key, self._folder.name, values)}, indent=1)
        write_whole(self._folder / "record.json", text.encode())

    def _state(self, name: str) -> tuple[str, str]:
        return name, digest(self.images / name)
