"""The name that `go build` gives a package's program, and the file name that golink gives an image."""

from __future__ import annotations

import re

_SUFFIXES = {"windows": ".exe", "js": ".wasm", "wasip1": ".wasm"}
_LIBRARY_SUFFIXES = {"windows": ".dll", "darwin": ".dylib", "ios": ".dylib"}


def program_name(import_path: str) -> str | None:
    """
    Return the name that Go gives the program of an import path, None for a path without elements.

    Source: cmd/go/internal/load, DefaultExecName: the last element, before a major version.
    """
    elements = [element for element in import_path.split("/") if element]
    if len(elements) > 1 and re.fullmatch(r"v[0-9]+", elements[-1]):
        elements.pop()
    return elements[-1] if elements else None


def image_file_name(name: str, *, buildmode: str | None, goos: str) -> str:
    """Return the file name of an image: the last part of its name, made safe, with the system's suffix."""
    base = re.sub(r"[^\w.+-]", "_", name.rsplit("/", 1)[-1].removesuffix(".go")) or "image"
    match buildmode:
        case "c-archive":
            return f"{base}.a"
        case "c-shared" | "plugin":
            return base + _LIBRARY_SUFFIXES.get(goos, ".so")
        case _:
            return base + _SUFFIXES.get(goos, "")
