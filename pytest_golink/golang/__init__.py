"""
What only Go images have: build info, pclntab, and what these say of cgo, name resolution and the link mode.

Everything is read from a MappedImage, whatever the format; nothing here knows ELF, Mach-O or PE.
"""

from __future__ import annotations

from pytest_golink.golang.functions import Functions
from pytest_golink.golang.goimage import GoImage, read_go
from pytest_golink.golang.image import MappedImage, Region

__all__ = ["Functions", "GoImage", "MappedImage", "Region", "read_go"]
