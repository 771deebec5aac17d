"""
The properties of an ELF image that its loader refuses or crashes on, whatever libraries it needs: relocations, symbols,
notes, TLS.

Source: glibc's elf/dl-reloc.c, elf/dl-version.c, sysdeps/*/dl-machine.h; musl's ldso/dynlink.c, arch/*/reloc.h;
bionic's linker/linker.cpp, linker/linker_relocate.cpp, libc/bionic/bionic_elf_tls.cpp.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_golink.loader.obstacles import Obstacle
from pytest_golink.text.versions import numbers
from pytest_golink.text.words import listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_golink.facts import BinaryFacts, Loading
    from pytest_golink.platforms import Platform


def _types(**by_goarch: str) -> Mapping[str, frozenset[int]]:
    return MappingProxyType({goarch: frozenset(map(int, types.split())) for goarch, types in by_goarch.items()})


# The relocation types that glibc's loader accepts, by GOARCH. On ppc64le it accepts nearly all of the ABI's.
# Source: glibc 2.36, and for R_RISCV_TLSDESC and R_LARCH_TLS_DESC64 what newer ones add: sysdeps/*/dl-machine.h,
# elf_machine_rela.
_GLIBC = _types(**{
    "386": "0 1 2 5 6 7 8 14 35 36 37 38 41 42",
    "amd64": "0 1 2 5 6 7 8 10 16 17 18 32 33 36 37 38",
    "arm": "0 1 2 13 17 18 19 20 21 22 23 160",
    "arm64": "0 256 257 258 1024 1025 1026 1027 1028 1029 1030 1031 1032",
    "loong64": "0 2 3 4 5 7 9 11 12 14",
    "riscv64": "0 2 3 4 5 7 9 11 12 58",
    "s390x": "0 1 3 4 5 9 10 11 12 16 17 19 22 23 54 55 56 61",
})  # fmt: skip
# The types that it accepts in DT_JMPREL when it binds functions at the first call. Source: elf_machine_lazy_rel there.
_GLIBC_LAZY = _types(**{
    "386": "7 41 42",
    "amd64": "7 36 37",
    "arm": "13 22 160",
    "arm64": "1026 1031 1032",
    "loong64": "5 12 14",
    "riscv64": "5 12 58",
    "s390x": "11 61",
})  # fmt: skip
# Source: musl's arch/*/reloc.h, in 1.2.2 to 1.2.6.
_MUSL = _types(**{
    "386": "0 1 2 5 6 7 8 14 35 36 37 41",
    "amd64": "0 1 2 5 6 7 8 16 17 18 36",
    "arm": "0 2 13 17 18 19 20 21 22 23",
    "arm64": "0 257 1024 1025 1026 1027 1028 1029 1030 1031",
    "loong64": "0 2 3 4 5 7 9 11 14",
    "ppc64le": "0 19 20 21 22 38 43 68 73 78",
    "riscv64": "0 2 3 4 5 7 9 11 12",
    "s390x": "0 9 10 11 12 22 54 55 56",
})  # fmt: skip
# R_*_COPY. Source: bionic's linker/linker_relocs.h, and R_GENERIC_COPY in linker_relocate.cpp.
_COPY: Mapping[str, int] = MappingProxyType({"386": 5, "amd64": 5, "arm": 20, "arm64": 1024, "riscv64": 4})
# The first versions whose loader applies DT_RELR.
# Source: glibc 2.36's NEWS; musl 1.2.4's WHATSNEW; bionic's android-changes-for-ndk-developers.md.
_RELR_GLIBC, _RELR_MUSL, _RELR_ANDROID = (2, 36), (1, 2, 4), 30
# Tables that only bionic reads, and the API level from which on it does.
# Source: AOSP's build/soong/cc/linker.go, the choice of --pack-dyn-relocs by API level.
_PACKED_ANDROID: Mapping[str, int] = MappingProxyType(
    {"DT_ANDROID_REL": 23, "DT_ANDROID_RELA": 23, "DT_ANDROID_RELR": 28}
)
_RELR_MARKER = "GLIBC_ABI_DT_RELR"
# The bytes that bionic reserves for each thread at the thread pointer: eight words, where the ABI has two.
# Source: bionic's libc/bionic/bionic_elf_tls.cpp, StaticTlsLayout::reserve_exe_segment_and_tcb.
_BIONIC_TLS: Mapping[str, tuple[int, int]] = MappingProxyType({"arm": (8, 32), "arm64": (16, 64)})
# bionic has ELF TLS from API level 29 on; before, Go keeps its pointer in a slot.
_BIONIC_TLS_API = 29
# No compiler requests a larger alignment than the largest page of any CPU, in bytes.
_LARGEST_TLS_ALIGNMENT = 1 << 16
# The lowest address that a program may map by itself.
# Source: Linux' mm/Kconfig, DEFAULT_MMAP_MIN_ADDR: no kernel has less.
_LOWEST_ADDRESS = 4096
# Oracle's kernel reads every PT_NOTE at the start, and refuses an empty one and one larger than this, in bytes.
# Source: oracle/linux-uek#24.
_LARGEST_NOTE = 4 << 20


def loading_obstacles(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    """Yield why the kernel or the loader refuses the image, whatever libraries the platform has."""
    loading = facts.loading
    if loading is None:
        return
    yield from _notes(loading, platform)
    yield from _crashes(facts, loading, platform)
    if facts.linkage != "dynamic":
        if loading.refuses_path and facts.linkage == "static-pie":
            yield Obstacle(
                text="has DT_RUNPATH or DT_RPATH: glibc ends a static PIE that has one",
                remedy=("link a static PIE without -rpath",),
            )
        if loading.go_constructor and (facts.libc.kind, facts.libc.presence) == ("musl", "embedded"):
            yield _without_arguments()
        return
    yield from _relocation_types(facts, loading, platform)
    if loading.no_default_path and platform.libc == "glibc" and facts.needed:
        # Source: glibc's elf/dl-load.c, _dl_map_object: neither ld.so.cache nor the default folders.
        text = "has DF_1_NODEFLIB: the loader looks for its libraries in DT_RUNPATH and DT_RPATH only"
        yield Obstacle(text=text, certain=not (facts.runpath or facts.rpath), remedy=("link without -z nodefaultlib",))
    if loading.counts_others and platform.libc == "glibc":
        # Source: glibc's elf/do-rel.h, elf_dynamic_do_Rel, and elf_machine_rela_relative.
        text = "DT_RELACOUNT counts relocations that are not relative, which glibc's loader takes for such"
        yield Obstacle(text=text, remedy=("link it again",))
    if loading.protected_slot is not None and platform.libc == "glibc":
        # Source: glibc's elf/dl-runtime.c, _dl_fixup, writes the slot. musl's and Android's loaders bind at the start.
        yield Obstacle(
            text=f"a function is bound at its first call, to the slot 0x{loading.protected_slot:x}, which PT_GNU_RELRO "
            "makes read-only: that call crashes",
            certain=False,
            remedy=("link it with -z now, or without -z relro",),
        )
    yield from _packed_for_android(loading, platform)
    if facts.elf is not None and facts.elf.relr:
        yield from _packed(facts, platform)
    if platform.libc == "bionic":
        yield from _on_bionic(facts, platform)
    elif platform.libc == "musl":
        yield from _go_library_on_musl(facts, loading)


def _notes(loading: Loading, platform: Platform) -> Iterator[Obstacle]:
    odd = [size for size in loading.notes if not size or size > _LARGEST_NOTE]
    if odd and platform.goos == "linux" and platform.libc != "bionic":
        yield Obstacle(
            text=f"a PT_NOTE of {odd[0]:,} bytes: Oracle's kernel (UEK) refuses such a program", caution=True
        )


def _crashes(facts: BinaryFacts, loading: Loading, platform: Platform) -> Iterator[Obstacle]:
    for reason in facts.elf.crashes if facts.elf else ():
        # Each loader refuses relocations of its own.
        if not reason.startswith("DT_JMPREL"):
            yield Obstacle(
                text=reason,
                remedy=(
                    "build it so that no tool has to change the file afterwards",
                    "or -ldflags '-linkmode external'",
                ),
            )
    lowest = loading.lowest_address
    if facts.kind == "executable" and lowest is not None and lowest < _LOWEST_ADDRESS and platform.goos == "linux":
        yield Obstacle(text=f"its first segment is at the fixed address 0x{lowest:x}, where Linux maps nothing")
    if facts.kind == "executable" and facts.interpreter is not None and not loading.told_its_place:
        # Source: glibc's elf/rtld.c, rtld_setup_main_map; musl's ldso/dynlink.c, __dls3: else it lies at 0.
        # musl only needs a PT_PHDR, in any order.
        yield Obstacle(
            text="there is no PT_PHDR before the other segments, by which the loader learns where the program lies",
            certain=platform.libc != "musl",
        )
    if loading.misplaced is not None:
        # No loader reads sections; but the program was linked to find this one in memory.
        yield Obstacle(text=f"the section {loading.misplaced}", certain=False)
    alignment = facts.elf.tls_alignment if facts.elf else None
    if alignment is not None and not (_is_power_of_two(alignment) and alignment <= _LARGEST_TLS_ALIGNMENT):
        # Loaders divide by it.
        yield Obstacle(text=f"PT_TLS is aligned to {alignment:,} bytes: it may not get that", certain=False)
    # With DT_TEXTREL glibc makes the segments writable for a while; musl does so only for libraries.
    lent = facts.hardening.textrel and not (platform.libc == "musl" and facts.kind == "executable")
    if facts.linkage == "dynamic" and loading.read_only_relocation is not None and not lent:
        place = f"0x{loading.read_only_relocation:x}"
        yield Obstacle(text=f"the loader relocates {place}, which is in no writable segment: it crashes")


def _is_power_of_two(number: int) -> bool:
    return number > 0 and not number & (number - 1)


def _relocation_types(facts: BinaryFacts, loading: Loading, platform: Platform) -> Iterator[Obstacle]:
    goarch = facts.target.goarch if facts.target else ""
    everything = {*loading.relocations, *loading.plt_relocations}
    refused: list[str] = []
    if platform.libc == "musl" and goarch in _MUSL:
        refused = [str(each) for each in sorted(everything - _MUSL[goarch])]
    elif platform.libc == "glibc" and goarch in _GLIBC:
        in_plt = _GLIBC[goarch] if loading.now else _GLIBC_LAZY[goarch]
        refused = [str(each) for each in sorted(set(loading.relocations) - _GLIBC[goarch])]
        refused += [f"{each} in DT_JMPREL" for each in sorted(set(loading.plt_relocations) - in_plt)]
    elif platform.libc == "bionic" and _COPY.get(goarch) in everything:
        refused = [f"{_COPY[goarch]} (copy)"]
    if refused:
        yield Obstacle(
            text=f"has relocations of type {listed(refused, most=3)}, which {platform.libc}'s loader refuses",
            remedy=("link it again, without unresolved symbols",),
        )


def _packed_for_android(loading: Loading, platform: Platform) -> Iterator[Obstacle]:
    for tag in loading.android_packed:
        since = _PACKED_ANDROID[tag]
        if platform.libc != "bionic":
            why = f"{platform.libc}'s loader does not relocate by it"
        elif int(platform.os_version or since) < since:
            why = f"Android before API level {since} does not relocate by it"
        else:
            continue
        remedy = "link without --pack-dyn-relocs, --use-android-relr-tags"
        yield Obstacle(text=f"has {tag}: {why}", remedy=(remedy,))


def _packed(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    if platform.libc == "bionic" and int(platform.os_version or _RELR_ANDROID) < _RELR_ANDROID:
        yield _relr(f"Android before API level {_RELR_ANDROID} does not relocate by it")
    if platform.libc_version is None:
        return
    has = numbers(platform.libc_version)
    marked = any(need.version == _RELR_MARKER for need in facts.version_needs)
    if platform.libc == "musl" and has < _RELR_MUSL:
        yield _relr(f"musl {platform.libc_version} does not relocate by it")
    elif platform.libc == "glibc" and has < _RELR_GLIBC and not marked:
        # With the marker the loader itself prints an error.
        yield _relr(f"glibc {platform.libc_version} does not relocate by it")
    elif platform.libc == "glibc" and has >= _RELR_GLIBC and not marked and _checks_versions(facts):
        yield _relr(f"glibc from 2.36 on refuses it without {_RELR_MARKER}")


def _checks_versions(facts: BinaryFacts) -> bool:
    # Source: glibc's elf/dl-version.c, _dl_check_map_versions: a table of version needs, and a libc that is needed.
    return bool(facts.version_needs) and any(library.name.startswith("libc.so.") for library in facts.needed)


def _relr(why: str) -> Obstacle:
    return Obstacle(
        text=f"has DT_RELR: {why}", remedy=("link without -z pack-relative-relocs, --pack-dyn-relocs=relr",)
    )


def _on_bionic(facts: BinaryFacts, platform: Platform) -> Iterator[Obstacle]:
    if facts.hardening.textrel:
        # From API level 23 on also in 32-bit programs. Source: bionic's linker/linker.cpp, "has text relocations".
        yield Obstacle(
            text="has text relocations (DT_TEXTREL), which Android's loader refuses",
            remedy=("build with -buildmode=pie, and C code with -fPIC",),
        )
    goarch = facts.target.goarch if facts.target else ""
    api = int(platform.os_version or 0)
    alignment = facts.elf.tls_alignment if facts.elf else None
    if facts.kind == "executable" and alignment and goarch in _BIONIC_TLS and api >= _BIONIC_TLS_API:
        abi, own = _BIONIC_TLS[goarch]
        # The offset after the ABI's words and the offset after bionic's, each aligned, must be the same.
        if -(-abi // alignment) * alignment != -(-own // alignment) * alignment:
            yield Obstacle(
                text=f"PT_TLS is aligned to {alignment} bytes: Android's loader asks for {own} ({goarch})",
                remedy=("link it with the NDK (GOOS=android CGO_ENABLED=1)",),
            )


def _go_library_on_musl(facts: BinaryFacts, loading: Loading) -> Iterator[Obstacle]:
    if not loading.go_constructor:
        return
    yield _without_arguments()
    if facts.kind == "shared-library" and loading.static_tls:
        yield Obstacle(text="musl's dlopen refuses a library with initial-exec TLS, as Go's is (golang/go#54805)")


def _without_arguments() -> Obstacle:
    # Source: golang/go#13492; musl's ldso/dynlink.c, do_init_fini, calls them without arguments.
    return Obstacle(
        text="Go's runtime starts as a constructor, to which musl gives no arguments: it crashes (golang/go#13492)",
        remedy=("-buildmode=exe, or a glibc system",),
    )
