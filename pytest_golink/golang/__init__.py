"""
The structures that only Go images have: build info and pclntab, and what they show of cgo, DNS and the link mode.

These modules read a MappedImage, whatever the format; they do not know ELF, Mach-O or PE.
"""

from __future__ import annotations

from pytest_golink.golang.functions import Functions
from pytest_golink.golang.goimage import GoImage, read_go
from pytest_golink.golang.image import MappedImage, Region

__all__ = ["Functions", "GoImage", "MappedImage", "Region", "read_go"]
