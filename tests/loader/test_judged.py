"""Changed images of C, read by golink and started by this machine's kernel and loader: a few of `make loaders`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.slow.loaders.campaign import Tally, wrongs
from tests.slow.loaders.seeds import make_seeds

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel and glibc's loader are the judges")


def test_golink_says_of_changed_images_what_the_loader_does(tmp_path: Path) -> None:
    seeds = make_seeds(tmp_path, go=False)
    tally = Tally()

    found = [
        (wrong.seed, wrong.mutant.words, wrong.what)
        for wrong in wrongs(seeds, count=300, seed=20261201, tally=tally, loader=None)
    ]

    assert found == []
    assert tally.accepted == 300
    assert tally.answers["starts: golink True, the loader True"] > 100
