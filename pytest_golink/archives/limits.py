"""
What one archive may cost the machine that looks into it.

An archive is a stranger's: its headers may promise anything, and a few kilobytes may unpack to a terabyte. The bounds
lie far above what is shipped and far below what exhausts a machine, and they hold over the work that is done.
"""

from __future__ import annotations

# One file, as it is unpacked. Larger than any Go program; a layer of a container image inside an archive counts too.
MEMBER_BYTES = 2 << 30
# All that one archive, package or layer unpacks to, and all files together that are taken out of one archive.
UNPACKED_BYTES = 8 << 30
# How many times larger than its packed form, from so many bytes on: gzip reaches 1000 on zeros, xz and zstd more;
# programs stay under 10.
RATIO = 200
RATIO_FROM_BYTES = 256 << 20
# Of one archive, or of all layers of one container image together; folders that only the names of others show count.
MEMBERS = 200_000
# Of all images in one archive.
MEMBERS_OF_IMAGES = 500_000
# One name or link target: Linux opens no longer one (PATH_MAX of <linux/limits.h>).
NAME_BYTES = 4096
# All names of one archive, with the folders that they lie in.
NAMES_BYTES = 64 << 20
# Parts of names that are looked up in one archive, links followed: 100 for each of the members allowed.
STEPS = 20_000_000
# One header: a GNU long name, a pax header, what is read of a stream at once.
HEADER_BYTES = 1 << 20
# Records of one pax header, and of all of one tar: some for each member.
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
