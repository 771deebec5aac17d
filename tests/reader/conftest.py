from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reader.c_images import HELLO, CompileC, compile_into

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def compile_c(tmp_path_factory: pytest.TempPathFactory) -> CompileC:
    made: dict[tuple[object, ...], Path] = {}

    def compile_(*flags: str, source: str = HELLO, compiler: tuple[str, ...] = ("gcc",)) -> Path:
        key = (compiler, flags, source)
        if key not in made:
            made[key] = compile_into(tmp_path_factory.mktemp("c"), compiler, flags, source)
        return made[key]

    return compile_
