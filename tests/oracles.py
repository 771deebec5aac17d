"""What other tools, and reality, say of an image."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pylibmagic

_RUN_TIMEOUT_S = 60


def run(*command: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status; stdout and stderr apart, with LC_ALL=C."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=_RUN_TIMEOUT_S,
        env={**os.environ, "LC_ALL": "C", **(env or {})},
    )


def file_says(path: Path) -> str:
    """The verdict of file(1): libmagic's, with the database that its package brings."""
    package = Path(pylibmagic.__file__).parent
    library = min([*package.glob("libmagic.so"), *package.glob("libmagic*.dylib")])
    magic = ctypes.CDLL(str(library))
    magic.magic_open.restype = ctypes.c_void_p
    magic.magic_file.restype = ctypes.c_char_p
    cookie = ctypes.c_void_p(magic.magic_open(0))
    try:
        assert magic.magic_load(cookie, str(package / "magic.mgc").encode()) == 0
        verdict = magic.magic_file(cookie, str(path).encode())
        assert verdict is not None
        return str(verdict.decode())
    finally:
        magic.magic_close(cookie)


def ldd_says(path: Path) -> tuple[int, str]:
    """Exit status and text of ldd."""
    result = run("ldd", path)
    return result.returncode, (result.stdout + result.stderr).strip()


def readelf_needed(path: Path) -> tuple[str, ...]:
    """DT_NEEDED entries as binutils' readelf shows them."""
    return tuple(re.findall(r"\(NEEDED\).*\[(.*)\]", _readelf("-d", path)))


def readelf_interpreter(path: Path) -> str | None:
    """PT_INTERP as binutils' readelf shows it."""
    found = re.search(r"Requesting program interpreter: (.*)\]", _readelf("-l", path))
    return found.group(1) if found else None


def readelf_type(path: Path) -> str:
    """The file type: EXEC or DYN."""
    found = re.search(r"Type:\s+(\w+)", _readelf("-h", path))
    assert found
    return found.group(1)


def readelf_glibc_versions(path: Path) -> set[str]:
    """Every GLIBC_x.y version need."""
    return set(re.findall(r"Name: GLIBC_([\d.]+)", _readelf("-V", path)))


def readelf_sections(path: Path) -> set[str]:
    """Section names."""
    return set(re.findall(r"^\s*\[ *\d+\] (\S+)", _readelf("-S", path), re.MULTILINE))


def _readelf(option: str, path: Path) -> str:
    result = run("readelf", "-W", option, path)
    assert result.returncode == 0, result.stderr
    return result.stdout


def run_in_empty_root(path: Path) -> subprocess.CompletedProcess[str]:
    """
    Run an image as the only file of a root directory: chroot as root, else a user namespace.

    A missing interpreter shows as exit status 127 and "No such file or directory".
    """
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o755)
        shutil.copy(path, Path(root, "app"))
        if os.geteuid() == 0:
            return run("chroot", root, "/app")
        return run("unshare", "--user", "--map-root-user", f"--root={root}", "/app")
