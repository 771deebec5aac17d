"""
What one archive may ask of the machine that looks into it.

An archive is a stranger's: its headers may promise anything, and a few kilobytes may unpack to a terabyte. Far above
what is shipped, far below what exhausts a machine.
"""

from __future__ import annotations

# One file, as it is unpacked. Larger than any Go program; a layer of a container image inside an archive counts too.
MEMBER_BYTES = 2 << 30
# All that one archive, package or layer unpacks to.
UNPACKED_BYTES = 8 << 30
# How many times larger than its packed form, from so many bytes on: gzip reaches 1000 on zeros, xz and zstd more;
# programs stay under 10.
RATIO = 200
RATIO_FROM_BYTES = 256 << 20
# Of one archive, or of all layers of one container image together.
MEMBERS = 200_000
# One name, link target or pax header; the central directory of a zip.
HEADER_BYTES = 1 << 20
DIRECTORY_BYTES = 16 << 20
# index.json, manifest.json and the like.
JSON_BYTES = 8 << 20
# xz -9 takes 65 MiB to unpack, zstd --ultra 128 MiB.
DECODER_BYTES = 256 << 20
