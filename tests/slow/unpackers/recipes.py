"""Random members, and how they are packed: by hand, as no packer would, and by real packers, as all do."""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import os
import shutil
import stat
import struct
import subprocess
import tarfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.archives.packing import ar, cpio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

_PARTS = ("a", "b", "c", "d", "e")
_FOLDERS = ("p", "q", "r")
_LONG = "long" * 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One member; `kind` is one of "file", "folder", "symlink", "hardlink", "fifo"."""

    name: str
    kind: str
    content: bytes = b""
    target: str = ""
    mode: int = 0o644


def entries(chance: Random, *, layer: bool = False, links: bool = True) -> list[Entry]:
    """Return members whose names collide, in any order."""
    made: list[Entry] = []
    for number in range(chance.randint(2, 9)):
        kinds = ["file"] * 9 + ["folder"] * 4 + (["symlink"] * 4 + ["hardlink"] * 3 if links else []) + ["fifo"] * layer
        kind = chance.choice(kinds)
        name = _name(chance)
        known = [entry.name for entry in made if entry.kind != "folder"]
        if kind in ("folder", "symlink") and chance.random() < 0.6:
            name = name.rpartition("/")[0] or chance.choice(_FOLDERS)
        target = ""
        if kind == "symlink":
            target = chance.choice(("", "", "../", "/")) + chance.choice((_name(chance), chance.choice(_FOLDERS)))
        elif kind == "hardlink":
            target = chance.choice(known) if known and chance.random() < 0.8 else _name(chance)
        content = f"{number}:{chance.random()}".encode() * chance.choice((1, 1, 1, 60)) if kind == "file" else b""
        mode = chance.choice((0o755, 0o755, 0o644, 0o600, 0o700))
        made.append(Entry(name=name, kind=kind, content=content, target=target, mode=mode))
    if layer:
        for _ in range(chance.choice((0, 0, 1, 2))):
            folder = chance.choice(("", *(f"{_name(chance)}/" for _ in range(2))))
            base = chance.choice((f".wh.{chance.choice(_PARTS)}", ".wh..wh..opq"))
            made.insert(chance.randint(0, len(made)), Entry(name=f"{folder}{base}", kind="file"))
    return made


def harmless_layers(chance: Random) -> list[list[Entry]]:
    """Return layers as builders write them: sorted, each folder with an entry, whiteouts of what is there."""
    there: dict[str, str] = {}
    layers = []
    for number in range(chance.randint(1, 4)):
        layer: dict[str, Entry] = {}
        for _ in range(chance.randint(1, 6)):
            name = _name(chance)
            parents = ["/".join(name.split("/")[:index]) for index in range(1, name.count("/") + 1)]
            if any(there.get(parent, "folder") != "folder" for parent in parents) or there.get(name) == "folder":
                continue
            if any(parent in layer and layer[parent].kind != "folder" for parent in parents):
                continue
            if name in layer and layer[name].kind == "folder":
                continue
            for parent in parents:
                layer[parent] = Entry(name=parent, kind="folder", mode=0o755)
                there[parent] = "folder"
            if chance.random() < 0.2:
                layer[name] = Entry(name=name, kind="symlink", target=chance.choice(_PARTS))
            else:
                layer[name] = Entry(name=name, kind="file", content=f"{number}{chance.random()}".encode(), mode=0o755)
            there[name] = layer[name].kind
        gone = [name for name in there if name not in layer and not any(own.startswith(f"{name}/") for own in layer)]
        if gone and chance.random() < 0.5:
            name = chance.choice(gone)
            folder, _, base = name.rpartition("/")
            if not folder or (folder in there and there[folder] == "folder"):
                layer[f"{folder}/.wh.{base}".lstrip("/")] = Entry(name=f"{folder}/.wh.{base}".lstrip("/"), kind="file")
                there = {key: kind for key, kind in there.items() if key != name and not key.startswith(f"{name}/")}
        layers.append([layer[name] for name in sorted(layer)])
    return layers


def _name(chance: Random) -> str:
    # Some names are both a folder's and a file's; most are not, or nothing could be unpacked.
    folders = [chance.choice(_FOLDERS) for _ in range(chance.choice((0, 0, 1, 1, 2)))]
    parts = [*folders, chance.choice(_PARTS if chance.random() < 0.93 else _FOLDERS)]
    if chance.random() < 0.04:
        parts[-1] = _LONG + parts[-1]
    return "/".join(parts)


def pack_tar(members: Sequence[Entry], chance: Random, *, prefix: str = "", tricks: bool = True) -> bytes:
    """Pack a tar in one of its forms; rarely with two names of a member, or with a comment for all."""
    form: Literal[0, 1, 2] = chance.choice((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT))
    kinds = {
        "file": tarfile.REGTYPE,
        "folder": tarfile.DIRTYPE,
        "symlink": tarfile.SYMTYPE,
        "hardlink": tarfile.LNKTYPE,
        "fifo": tarfile.FIFOTYPE,
    }
    out = b""
    if tricks and form == tarfile.PAX_FORMAT and chance.random() < 0.1:
        out += tarfile.TarInfo.create_pax_global_header({"comment": "0123"})
    for member in members:
        info = tarfile.TarInfo(f"{prefix}{member.name}")
        info.type, info.size, info.mode = kinds[member.kind], len(member.content), member.mode
        info.linkname = f"{prefix}{member.target}" if member.kind == "hardlink" else member.target
        info.mtime = 1_600_000_000
        if member.kind == "file" and chance.random() < 0.05:
            info.type = tarfile.AREGTYPE
        if tricks and chance.random() < 0.01:
            other = tarfile.TarInfo("x")
            other.pax_headers = {"path": chance.choice(_PARTS)}
            out += other.tobuf(tarfile.PAX_FORMAT)[: -tarfile.BLOCKSIZE]
        out += info.tobuf(form if len(info.name) < 100 and len(info.linkname) < 100 else tarfile.GNU_FORMAT)
        out += member.content + bytes(-len(member.content) % tarfile.BLOCKSIZE)
    return out + bytes(2 * tarfile.BLOCKSIZE)


def compressed(data: bytes, chance: Random) -> bytes:
    """Return the bytes as they are, or compressed."""
    return chance.choice((bytes, bytes, gzip.compress, lzma.compress))(data)


def pack_zip(members: Sequence[Entry], chance: Random, *, tricks: bool = True) -> bytes:
    """Pack a zip; rarely with a second name, in one of the two places that there are for one."""
    local, central, count = b"", b"", 0
    for member in members:
        if member.kind in ("hardlink", "fifo"):
            continue
        count += 1
        folder, link = member.kind == "folder", member.kind == "symlink"
        raw = f"{member.name}{'/' if folder else ''}".encode()
        data = member.target.encode() if link else member.content
        kind = stat.S_IFDIR if folder else stat.S_IFLNK if link else stat.S_IFREG
        method = 8 if data and chance.random() < 0.6 else 0
        packed = zlib.compress(data, wbits=-15) if method else data
        own_name, extra = raw, b""
        if tricks and chance.random() < 0.02:
            own_name = chance.choice(_PARTS).encode()
        if chance.random() < 0.05:
            shown = raw if not tricks or chance.random() < 0.7 else chance.choice(_PARTS).encode()
            field = struct.pack("<BI", 1, zlib.crc32(raw)) + shown
            extra = struct.pack("<HH", 0x7075, len(field)) + field
        follows = 8 if method and chance.random() < 0.2 else 0
        numbers = struct.pack("<3I", zlib.crc32(data), len(packed), len(data))
        offset = len(local)
        local += struct.pack("<4s5H", b"PK\x03\x04", 20, follows, method, 0x6000, 0x5021)
        local += (bytes(12) if follows else numbers) + struct.pack("<2H", len(own_name), len(extra))
        local += own_name + extra + packed + (b"PK\x07\x08" + numbers if follows else b"")
        central += struct.pack("<4s6H", b"PK\x01\x02", 20 | 3 << 8, 20, follows, method, 0x6000, 0x5021) + numbers
        central += struct.pack("<5H2I", len(raw), len(extra), 0, 0, 0, (kind | member.mode) << 16, offset) + raw + extra
    return local + central + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(central), len(local), 0)


def pack_cpio(members: Sequence[Entry]) -> bytes:
    """Pack a cpio as rpm has it: the names of one file follow one another, and the last has its bytes."""
    kinds = {"file": stat.S_IFREG, "folder": stat.S_IFDIR, "symlink": stat.S_IFLNK, "fifo": stat.S_IFIFO}
    inodes: dict[str, int] = {}
    groups: dict[int, list[Entry]] = {}
    for number, member in enumerate(members, 1):
        inode = inodes.get(member.target, number) if member.kind == "hardlink" else number
        inodes.setdefault(member.name, inode)
        groups.setdefault(inode, []).append(member)
    packed = []
    for inode, group in groups.items():
        files = [member for member in group if member.kind in ("file", "hardlink")]
        for member in group:
            kind = kinds.get(member.kind, stat.S_IFREG)
            content = member.target.encode() if member.kind == "symlink" else b""
            if member.kind in ("file", "hardlink") and member is files[-1]:
                content = files[0].content
            packed.append((f"./{member.name}", kind | member.mode, content, inode, max(1, len(files))))
    return cpio(packed)


def build_rpm(folder: Path, work: Path) -> bool:
    """Build an RPM of a folder with rpmbuild."""
    names = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*"))]
    files = "\n".join(
        f"{'%dir ' * (folder / name).is_dir()}/{name}" for name in names if not (folder / name).is_symlink()
    )
    spec = (
        "Name: a\nVersion: 1\nRelease: 1\nSummary: a\nLicense: a\nBuildArch: noarch\nAutoReqProv: no\n%description\n"
        f"%install\nmkdir -p %{{buildroot}}\ncp -a {folder}/. %{{buildroot}}\n%files\n{files}\n"
        + "\n".join(f"/{name}" for name in names if (folder / name).is_symlink())
    )
    (work / "a.spec").write_text(spec + "\n")
    defines = [
        f"_topdir {work}",
        f"_rpmdir {work}",
        "_build_id_links none",
        "__os_install_post %{nil}",
        "_rpmfilename a.rpm",
    ]
    words = [word for define in defines for word in ("--define", define)]
    return (
        subprocess.run(["rpmbuild", "-bb", "--quiet", *words, str(work / "a.spec")], capture_output=True).returncode
        == 0
    )


def pack_deb(members: Sequence[Entry], chance: Random) -> bytes:
    """Pack a Debian package."""
    control = gzip.compress(
        pack_tar([Entry(name="control", kind="file", content=b"Package: a\n")], chance, tricks=False)
    )
    data = pack_tar(members, chance, prefix=chance.choice(("./", "")), tricks=False)
    return ar({"debian-binary": b"2.0\n", "control.tar.gz": control, "data.tar.gz": gzip.compress(data)})


def write_layout(layers: Sequence[bytes], folder: Path) -> None:
    """Write an OCI layout that umoci takes."""

    def blob(content: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs/sha256" / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    (folder / "blobs/sha256").mkdir(parents=True)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": digests}, "config": {}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(json.dumps(config).encode(), "config.v1+json"),
        "layers": [blob(gzip.compress(layer), "layer.v1.tar+gzip") for layer in layers],
    }
    described = blob(json.dumps(manifest).encode(), "manifest.v1+json")
    described["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))


def write_files(chance: Random, folder: Path) -> None:
    """Make a folder of files, links and hard links as there are on disk."""
    folder.mkdir()
    files: list[Path] = []
    for number in range(chance.randint(1, 10)):
        path = folder / _name(chance)
        if any(parent.is_symlink() or parent.is_file() for parent in (path, *path.parents)) or path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        what = chance.random()
        if what < 0.15:
            path.symlink_to(chance.choice(_PARTS))
        elif what < 0.3 and files:
            os.link(chance.choice(files), path)
        elif what < 0.4:
            path.mkdir()
        else:
            with path.open("wb") as file:
                file.write(f"{number}{chance.random()}".encode() * chance.choice((1, 30)))
                if chance.random() < 0.2:
                    file.seek(chance.choice((70_000, 300_000)))
                    file.write(b"end")
            path.chmod(chance.choice((0o755, 0o644)))
            files.append(path)


def of_files(members: Sequence[Entry]) -> list[Entry]:
    """Return the files and folders of those members, each name as one of the two."""
    return [
        entry
        for entry in members
        if entry.kind in ("file", "folder")
        and not any(
            (other.name == entry.name != "" and other.kind != entry.kind) or entry.name.startswith(f"{other.name}/")
            for other in members
            if other.kind != "folder" or other.name == entry.name
        )
    ]


def packers(kind: str, *, only: str | None = None) -> list[list[str]]:
    """Return the commands of real packers of a format that are here; {out} is the archive."""
    forms = {
        "tar": [
            *(["tar", f"--format={form}", "-cf", "{out}", "."] for form in ("gnu", "pax", "ustar", "oldgnu", "v7")),
            *(["tar", "-S", "--format=gnu", "-cf", "{out}", "."], ["tar", "-czf", "{out}", "."]),
            *(["tar", "-S", "--format=pax", f"--sparse-version={one}", "-cf", "{out}", "."] for one in ("0.0", "1.0")),
            *(["bsdtar", f"--format={form}", "-cf", "{out}", "."] for form in ("pax", "gnutar", "ustar", "v7")),
            ["bsdtar", "--zstd", "-cf", "{out}", "."],
            ["7z", "a", "-ttar", "-snl", "-bd", "{out}", "."],
        ],
        "zip": [
            ["zip", "-qry", "{out}", "."],
            ["7z", "a", "-tzip", "-snl", "-bd", "{out}", "."],
            *(["7z", "a", "-tzip", f"-mm={one}", "-bd", "{out}", "."] for one in ("BZip2", "LZMA")),
            ["bsdtar", "--format=zip", "-cf", "{out}", "."],
        ],
    }
    return [command for command in forms[kind] if shutil.which(command[0]) and only in (None, command[0])]


def pack_with(command: Sequence[str], folder: Path, out: Path) -> bool:
    """Run a packer in a folder; False where it cannot pack it, as one without long names."""
    words = [word.replace("{out}", str(out)) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
    return done.returncode == 0 and out.exists()
