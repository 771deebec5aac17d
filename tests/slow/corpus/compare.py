"""
Compare what golink reads of real binaries with what independent tools say of them.

usage: compare.py [--only SUBSTRING] [--slow] FILES

FILES is the folder that fetch.sh filled. Prints `agreed / compared` for each field, then each disagreement that
explained.tsv has no reason for, and each reason there that explains nothing any more; exit 1 if there is either.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_golink.errors import UnreadableBinaryError
from pytest_golink.reader import read_binaries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_golink.facts import BinaryFacts

HERE = Path(__file__).parent
# Reading the facts may take this many times what reading the bytes takes; under _FAST_S it does not matter.
_SLOW = 5
_FAST_S = 0.25
_SHOWN = 400

Record = dict[str, Any]
# A field, what golink says, what the tools say.
Pair = tuple[str, object, object]

_ELF_LINKAGE = {
    "static": "static",
    "static-pie": "static-pie",
    "dynamic": "dynamic",
    "dynamic-pie": "dynamic",
    "shared-object": "dynamic",
    "object": None,
}
_MACHO_LINKAGE = {"dynamic": "dynamic", "shared-object": "dynamic", "bundle": "dynamic", "object": None}
_MACHO_KIND = {"EXECUTE": "executable", "DYLIB": "shared-library", "BUNDLE": "shared-library", "OBJECT": "object"}
# Formats of which the tools say little but the name.
_OTHER_KIND = {"ar": "archive", "coff": "object", "xcoff": "executable", "wasm": "executable"}
_FILE_LINKAGE = {"statically linked": "static", "static-pie linked": "static-pie", "dynamically linked": "dynamic"}
_LIBC = {"glibc": "glibc", "musl": "musl", "bionic": "bionic"}
_SLICE = {"x86_64": "amd64", "arm64": "arm64", "i386": "386"}
_RESOLVER = (
    "freeaddrinfo gai_strerror getaddrinfo gethostbyaddr_r gethostbyname gethostbyname2_r gethostbyname_r getnameinfo "
    "res_init res_ninit res_nsearch res_query res_search"
)
_USERDB = "getgrent getgrgid_r getgrnam_r getgrouplist getpwent getpwnam getpwnam_r getpwuid getpwuid_r"
_LOADER = "android_dlopen_ext dlclose dlerror dlmopen dlopen dlsym"


def common(ours: BinaryFacts, truth: Record) -> Iterator[Pair]:
    """Pair what every format has."""
    build = truth["buildinfo"]
    # An object has no notes and no loader to tell the system by: what the truth has there is its package's.
    if truth["goos"] is not None and (build or ours.kind != "object"):
        yield "goos", ours.target and ours.target.goos, truth["goos"]
    if truth["goarch"] is not None and (build or ours.kind != "object"):
        yield "goarch", ours.target and ours.target.goarch, truth["goarch"]
    # The machine field; where a fat file has several, the truth has none.
    if ours.target and truth["goarch_header"]:
        yield "goarch (headers)", ours.target.goarch, truth["goarch_header"]
    yield "packed (UPX! in the first 4 KiB)", ours.content.packed == "UPX", truth["upx"]
    # lang says what the publisher compiled it from: an object or an archive of Go's is no image.
    yield "go", ours.go is not None, truth["is_go"]
    if build:
        yield "go version", ours.go and ours.go.version, build["go_version"]
        yield "go path", ours.go and ours.go.path, build["path"]
        module = ours.go.module if ours.go else None
        yield "go module", module and {"path": module.path, "version": module.version}, build["module"]
        yield "go modules (count)", ours.go and len(ours.go.modules), build["deps"]
        yield "go settings", ours.go and dict(ours.go.settings), build["settings"]
        yield "cgo enabled", ours.cgo.enabled, {"0": False, "1": True}.get(truth["cgo_enabled"])


def symbols(ours: BinaryFacts, truth: Record) -> Iterator[Pair]:
    """Pair the imports and what they tell, and what the symbol table tells of Go."""
    names = {symbol.name for symbol in ours.imports}
    yield "imports", sorted(names), truth["imports"]
    yield "imports: resolver", sorted(names & set(_RESOLVER.split())), truth["resolver_imports"]
    yield "imports: users and groups", sorted(names & set(_USERDB.split())), truth["userdb_imports"]
    yield "imports: dlopen", sorted(names & set(_LOADER.split())), truth["loader_imports"]
    nm = truth.get("nm_facts")
    # gccgo's runtime has cgo in it, and no such symbol.
    if nm and ours.go is not None and ours.kind == "executable" and truth["lang"] == "go":
        yield "cgo used (x_cgo_init in the symbol table)", ours.cgo.used, nm["x_cgo_init"]
        if nm["runtime_main"]:
            # libSystem's is "system", with cgo and without.
            said = bool({"cgo", "system"} & set(ours.resolver or ()))
            yield "resolver (getaddrinfo in the symbol table)", said, nm["cgo_getaddrinfo"]
            # The system's own functions on Windows have other names.
            if truth["format"] != "pe":
                users = "system" in (ours.content.user_lookup or ())
                yield "user lookup (getpwnam in the symbol table)", users, nm["cgo_getpwnam"]


def elf(ours: BinaryFacts, truth: Record) -> Iterator[Pair]:
    """Pair what readelf and file(1) say."""
    linkage = truth["linkage"]
    kind = {"object": "object", "shared-object": "shared-library"}.get(linkage, "executable")
    yield "kind", ours.kind, "shared-library" if truth["soname"] and not truth["df_1_pie"] else kind
    yield "linkage", ours.linkage, _ELF_LINKAGE[linkage]
    if truth["linkage_file"] and kind != "object":
        yield "linkage (file)", ours.linkage, _FILE_LINKAGE[truth["linkage_file"]]
    yield "interpreter", ours.interpreter, truth["interpreter"]
    yield "needed", [library.name for library in ours.needed], truth["needed"]
    yield "rpath", list(ours.rpath or ()), [part for text in truth["rpath"] for part in text.split(":")]
    yield "runpath", list(ours.runpath or ()), [part for text in truth["runpath"] for part in text.split(":")]
    if kind != "object":
        yield from symbols(ours, truth)
        yield "imports: weak", sorted({each.name for each in ours.imports if each.weak}), truth["weak_imports"]
        yield "pie", ours.hardening.pie and ours.kind == "executable", truth["pie"] or linkage == "static-pie"
        yield "relro", ours.hardening.relro, truth["relro"]
        if truth["nx_stack"] is not None:
            yield "nx", ours.hardening.nx, truth["nx_stack"]
        yield "segments writable and executable", ours.hardening.writable_code, truth["segments_rwx"]
        # Without a library the truth's word is only about the loader.
        if truth["needed"]:
            said = _LIBC.get(truth["libc"])
            known = ours.libc.kind if ours.libc.presence == "dynamic" else None
            yield "libc", known if known in _LIBC else None, said
    needs: dict[str, list[str]] = defaultdict(list)
    for need in ours.version_needs:
        needs[need.library].append(need.version)
    yield "version needs", {key: sorted(needs[key]) for key in sorted(needs)}, truth["version_needs"]
    yield "glibc floor", ours.libc.floor and f"GLIBC_{ours.libc.floor}", truth["glibc_max"]
    yield "symtab", ours.symtab, truth["has_symtab"]
    yield "dwarf", ours.dwarf, truth["has_dwarf"]
    yield "stripped", ours.stripped, not truth["has_symtab"] and not truth["has_dwarf"]
    if isinstance(truth.get("ldd"), list):
        # ldd lists what the libraries need too, and the loader by its path.
        listed = {name.rpartition("/")[2] for name in truth["ldd"]}
        yield "needed (ldd)", [each.name for each in ours.needed if each.name not in listed], []
    elif "ldd" in truth:
        yield "linkage (ldd)", bool(ours.needed), False
    stack = [header.flags for header in ours.program_headers if header.type == "PT_GNU_STACK"]
    if kind != "object":
        # readelf's E is our x.
        flags = truth["gnu_stack"]
        told = [] if flags is None else ["".join("-rwx"[1 + "RWE".index(f)] if f in flags else "-" for f in "RWE")]
        yield "PT_GNU_STACK", stack, told
    if truth["stripped_file"] is not None:
        # file(1) means only the symbol table.
        yield "stripped (file)", not ours.symtab, truth["stripped_file"]


def macho(ours: BinaryFacts, truth: Record) -> Iterator[Pair]:
    """Pair what llvm-objdump and llvm-nm say."""
    yield "kind", ours.kind, _MACHO_KIND[truth["filetype"]]
    yield "linkage", ours.linkage, _MACHO_LINKAGE[truth["linkage"]]
    yield "interpreter", ours.interpreter, truth.get("dylinker")
    yield "needed", [library.name for library in ours.needed], truth["needed"]
    yield "needed (load command)", [library.via for library in ours.needed], [each["kind"] for each in truth["dylibs"]]
    yield "rpath", list(ours.rpath or ()), truth["rpath"]
    yield "minimum OS", ours.os_minimum, truth.get("min_os")
    told = ours.macho
    yield "platform", told and told.platform, truth.get("platform", "").replace("macosx", "macos") or None
    yield "SDK", told and told.sdk, None if truth.get("sdk") == "n/a" else truth.get("sdk")
    yield "UUID", told and told.uuid and told.uuid.lower(), truth["uuid"].lower() if "uuid" in truth else None
    # A linked image always has a symbol table, for its imports; what strip -x takes are the local symbols.
    yield "symtab", ours.symtab, truth["has_symtab"] if ours.kind == "object" else truth["nlocalsym"] > 0
    yield "dwarf", ours.dwarf, truth["has_dwarf"]
    if ours.kind == "object":
        return
    yield from symbols(ours, truth)
    yield "pie", ours.hardening.pie and ours.kind == "executable", truth["pie"]
    yield "signed", ours.signed != "none", truth["code_signature"]
    if truth["binds"]:
        bound = {name.removeprefix("_") for names in truth["binds"].values() for name in names}
        yield "imports: bound", sorted({symbol.name for symbol in ours.imports}), sorted(bound)
    # llvm-nm names the libraries only where the flag MH_TWOLEVEL is set; dyld reads the ordinals all the same.
    if truth["two_level"]:
        libraries: dict[str, set[str]] = defaultdict(set)
        for symbol in ours.imports:
            libraries[_short(symbol.library)].add(symbol.name)
        yield (
            "imports by library",
            {key: sorted(libraries[key]) for key in sorted(libraries)},
            truth["imports_by_dylib"],
        )


def _short(library: str | None) -> str:
    """Return the name of a library, as llvm-nm prints it: "libSystem", "CoreFoundation"."""
    if library is None:
        return "(dynamically looked up)"
    name = library.rpartition("/")[2]
    return name.partition(".")[0] if name.endswith(".dylib") else name


def pe(ours: BinaryFacts, truth: Record) -> Iterator[Pair]:
    """Pair what llvm-readobj and llvm-objdump say."""
    yield "kind", ours.kind, "shared-library" if truth["is_dll"] else "executable"
    if not truth["is_dll"]:
        yield "linkage", ours.linkage, truth["linkage"]
    for field, via in (("needed", "import directory"), ("delay_needed", "delay-import directory")):
        name = field.replace("delay_needed", "needed (delayed)")
        yield name, [library.name for library in ours.needed if library.via == via], truth[field]
    yield from symbols(ours, truth)
    libraries: dict[str, set[str]] = defaultdict(set)
    for symbol in ours.imports:
        libraries[symbol.library or ""].add(symbol.name)
    yield "imports by library", {key: sorted(libraries[key]) for key in sorted(libraries)}, truth["imports_by_dll"]
    yield "nx", ours.hardening.nx, truth["nx_compat"]
    yield "pie", ours.hardening.pie, truth["aslr"]
    yield "signed", ours.signed != "none", truth["code_signature"]
    yield "symtab", ours.symtab, truth["has_symtab"]
    yield "dwarf", ours.dwarf, truth["has_dwarf"]


_PAIRS = {"elf": elf, "macho": macho, "pe": pe}


def pairs(images: tuple[BinaryFacts, ...], truth: Record) -> Iterator[Pair]:
    """Pair every field that both sides have, of a whole file."""
    form = truth["format"]
    ours = images[0]
    yield "size", ours.size, truth["size"]
    yield "format", ours.format, "macho" if form == "fat" else form
    if form == "fat":
        slices = {image.slice: image for image in images}
        yield "slices", [image.slice for image in images], [_SLICE[each["arch"]] for each in truth["slices"]]
        for each in truth["slices"]:
            yield from macho(slices[_SLICE[each["arch"]]], {**each, "lang": truth["lang"]})
        # What `go version` prints of a fat file is its first slice.
        yield from common(ours, truth)
        return
    yield from common(ours, truth)
    if form in _PAIRS:
        yield from _PAIRS[form](ours, truth)
    else:
        yield "kind", ours.kind, _OTHER_KIND[form]


@dataclass(kw_only=True)
class Explanation:
    """A line of explained.tsv: why golink and a tool disagree, and golink is right."""

    line: int
    key: str
    field: str
    reason: str
    used: int = 0

    def covers(self, key: str, field: str) -> bool:
        """Whether it is about this field of this file."""
        return fnmatchcase(field, self.field) and fnmatchcase(key, self.key)


def read_explanations() -> list[Explanation]:
    """Read explained.tsv: key glob, field, reason."""
    found = []
    for number, line in enumerate((HERE / "explained.tsv").read_text(encoding="utf-8").splitlines(), 1):
        if line and not line.startswith("#"):
            key, field, reason = line.split("\t")
            found.append(Explanation(line=number, key=key, field=field, reason=reason))
    return found


def read_truth(only: str) -> list[Record]:
    """Read what the tools say of each file whose key has `only` in it."""
    with gzip.open(HERE / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [record for record in map(json.loads, lines) if only in record["key"]]


def compare(truth: Record, path: Path) -> tuple[list[Pair], float, float]:
    """Read a file and pair its fields; with the seconds that its bytes took, and its facts."""
    # Time on the processor: how long a disk takes says nothing of the reader.
    start = time.process_time()
    path.read_bytes()
    middle = time.process_time()
    try:
        images = read_binaries(path)
    except UnreadableBinaryError as error:
        found: list[Pair] = [("readable", str(error).removeprefix(f"{path}: "), True)]
    else:
        found = [("readable", True, True), *pairs(images, truth)]
    return found, middle - start, time.process_time() - middle


def difference(ours: object, theirs: object) -> str:
    """Return where two values differ, shortly: of lists and tables, what only one side has."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
        text = "; ".join(f"{key}: {difference(ours.get(key, []), theirs.get(key, []))}" for key in keys)
    elif isinstance(ours, list) and isinstance(theirs, list) and sorted(ours) != sorted(theirs):
        text = f"only golink {sorted(set(ours) - set(theirs))}, only the tools {sorted(set(theirs) - set(ours))}"
    else:
        text = f"golink {ours!r}, the tools {theirs!r}"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def report(agreed: Counter[str], compared: Counter[str], explained: Counter[str]) -> Iterator[str]:
    """Return the table of agreement."""
    width = max(map(len, compared))
    yield f"{'field'.ljust(width)}  agreed / compared  explained"
    for field in sorted(compared):
        yield f"{field.ljust(width)}  {agreed[field]:6} / {compared[field]:<8}  {explained[field] or '':>9}"
    total = f"{sum(agreed.values()):6} / {sum(compared.values()):<8}"
    yield f"{'all'.ljust(width)}  {total}  {sum(explained.values()) or '':>9}"


def main(arguments: Iterable[str] | None = None) -> int:
    """Compare every file, print the table, and say what is not explained."""
    parser = argparse.ArgumentParser(description="Compare golink's reader with independent tools.")
    parser.add_argument("files", type=Path, metavar="FILES")
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="only files with this in their key")
    parser.add_argument("--slow", action="store_true", help="list the files that take long")
    options = parser.parse_args(None if arguments is None else list(arguments))
    agreed, compared, excused = Counter[str](), Counter[str](), Counter[str]()
    explanations = read_explanations()
    unexplained, slow, missing = [], [], []
    bytes_s = facts_s = 0.0
    records = read_truth(options.only)
    # The first image read imports what the reader needs.
    read_binaries(sys.executable)
    for truth in records:
        key = truth["key"]
        path = options.files / key
        if not path.is_file():
            missing.append(key)
            continue
        found, reading_s, whole_s = compare(truth, path)
        bytes_s += reading_s
        facts_s += whole_s
        if whole_s > _FAST_S and whole_s > _SLOW * reading_s:
            slow.append(f"{whole_s:.2f} s, bytes {reading_s:.2f} s: {key}")
        for field, ours, theirs in found:
            compared[field] += 1
            if ours == theirs:
                agreed[field] += 1
                continue
            reasons = [each for each in explanations if each.covers(key, field)]
            for each in reasons:
                each.used += 1
            if reasons:
                excused[field] += 1
            else:
                unexplained.append(f"{key}\n    {field}: {difference(ours, theirs)}")
    for line in report(agreed, compared, excused) if compared else ():
        print(line)
    print(f"{len(records) - len(missing)} files; facts in {facts_s:.1f} s, only their bytes in {bytes_s:.1f} s")
    stale = [] if options.only else [each for each in explanations if not each.used]
    for title, lines in (
        ("missing: run fetch.sh", missing),
        ("disagreements without an explanation", unexplained),
        ("explanations of nothing", [f"explained.tsv:{each.line}: {each.key} {each.field}" for each in stale]),
        ("slow", slow if options.slow else []),
    ):
        if lines:
            print(f"\n{title} ({len(lines)}):", *lines, sep="\n  ")
    return 1 if missing or unexplained or stale or not records else 0


if __name__ == "__main__":
    sys.exit(main())
