"""
The bounds of what one archive may cost the machine that looks into it.

An archive comes from a stranger: its headers may promise anything, and a few kilobytes may unpack to a terabyte. The
bounds lie far above real releases and far below what exhausts a machine, and they count the work that golink does.
"""

from __future__ import annotations

# One unpacked file. Larger than any Go program; a layer of a container image inside an archive counts too.
MEMBER_BYTES = 2 << 30
# The total that one archive, package or layer unpacks to, and the total that golink extracts from one archive.
UNPACKED_BYTES = 8 << 30
# How many times larger than the packed form, checked from so many bytes on: gzip reaches 1000 on zeros, xz and zstd
# more; programs stay under 10.
RATIO = 200
RATIO_FROM_BYTES = 256 << 20
# Of one archive, or of all layers of one container image together, with the folders that members' names imply.
MEMBERS = 200_000
# Of all images in one archive.
MEMBERS_OF_IMAGES = 500_000
# One name or link target: Linux opens no longer path (PATH_MAX of <linux/limits.h>).
NAME_BYTES = 4096
# All names of one archive, with the folders that they lie in.
NAMES_BYTES = 64 << 20
# Parts of names that golink looks up in one archive, links followed: 100 for each allowed member.
STEPS = 20_000_000
# Frames (gzip members, xz streams) of one archive, each of which costs a new decoder, some 10 µs: so many, and one for
# each block of a tar that they unpack to, as eStargz and zstd:chunked have one for each file; at most so many.
FRAMES = 1000
FRAME_BYTES = 512
FRAMES_IN_ALL = 100_000
# One header: a GNU long name, a pax header, one read of a stream.
HEADER_BYTES = 1 << 20
# Records of one pax header, and of all headers of one tar: some for each member.
PAX_RECORDS = 1000
PAX_RECORDS_IN_ALL = 2_000_000
# Parts of one sparse file in a tar.
SPARSE_PARTS = 10_000
# The central directory of a zip.
DIRECTORY_BYTES = 64 << 20
# index.json, manifest.json and the like.
JSON_BYTES = 4 << 20
JSON_DEPTH = 64
# Of one image; overlayfs takes 500 lower folders (OVL_MAX_STACK of fs/overlayfs/params.h).
LAYERS = 500
# Manifests and indexes of one layout; the images that they name.
MANIFESTS = 1000
IMAGES = 256
# xz -9 takes 65 MiB to unpack, zstd --ultra 128 MiB.
DECODER_BYTES = 128 << 20
