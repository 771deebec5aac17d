"""Where an image starts, and the reason where it does not."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink import PolicyViolation, assert_runs_on
from pytest_golink.errors import ParameterError
from pytest_golink.facts import Cgo, CpuLevel, Hardening, Libc, MachO, VersionNeed
from pytest_golink.platforms import PLATFORMS, parse_platform
from pytest_golink.platforms.musl import musl_has
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from pytest_golink.rules.runs_on import start_on
from pytest_golink.rules.subject import Subject
from tests.rules.facts_factory import (
    ARCHIVE,
    DYNAMIC,
    FOREIGN,
    GLIBC_STATIC,
    IMPORT_DYNAMIC,
    LOADED,
    MACHO,
    OWN_C,
    PE,
    PIE,
    STATIC,
    go,
    header,
    needed,
    subject,
    symbols,
    target,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_golink import GoBuild
    from pytest_golink.facts import BinaryFacts
    from pytest_golink.findings import Finding

MUSL_LOADER = "/lib/ld-musl-x86_64.so.1"
MUSL = replace(
    DYNAMIC,
    interpreter=MUSL_LOADER,
    needed=needed("libc.musl-x86_64.so.1"),
    imports=symbols("getaddrinfo"),
    version_needs=(),
    libc=Libc(kind="musl", presence="dynamic"),
)
V1 = go(CGO_ENABLED="0", GOOS="linux", GOARCH="amd64", GOAMD64="v1")


def finding(facts: BinaryFacts, *platforms: str, **changes: Any) -> Finding:
    return evaluate("runs-on", subject(facts, **changes), {"platforms": platforms})


def reason(facts: BinaryFacts, platform: str, **changes: Any) -> tuple[bool | None, str]:
    answer = start_on(subject(facts, **changes), PLATFORMS[platform]).answer
    return answer.starts, answer.reason


def needs(*versions: str, library: str = "libc.so.6", weak: bool = False) -> tuple[VersionNeed, ...]:
    return tuple(VersionNeed(library=library, version=version, weak=weak) for version in versions)


@pytest.mark.parametrize("platform", [name for name, each in PLATFORMS.items() if "linux" in each.goos])
def test_a_static_image_starts_on_every_linux(platform: str) -> None:
    assert reason(STATIC, platform, go=V1) == (True, "")


def test_a_pie_without_cgo_starts_where_the_loader_is_and_nowhere_else() -> None:
    found = finding(PIE, "scratch", "debian12", "alpine3.20", "nixos")

    assert found.outcome == "violated"
    assert found.observed == "does not start on scratch, alpine3.20, nixos"
    assert found.evidence[2:] == (
        "scratch: PT_INTERP /lib64/ld-linux-x86-64.so.2 is not there: there is no loader",
        "alpine3.20: PT_INTERP /lib64/ld-linux-x86-64.so.2 is not there: its loader is musl's /lib/ld-musl-x86_64.so.1",
        "nixos: PT_INTERP /lib64/ld-linux-x86-64.so.2 is not there: libraries are in /nix/store alone; what stands at "
        "the usual path since NixOS 24.05 is stub-ld, which says so and exits",
    )
    assert remedy_lines(found)[0] == "build without -buildmode=pie"
    assert [(answer.platform, answer.starts) for answer in found.platforms] == [
        ("scratch", False),
        ("debian12", True),
        ("alpine3.20", False),
        ("nixos", False),
    ]


def test_a_version_that_is_missing_is_named_with_its_symbol() -> None:
    assert reason(DYNAMIC, "debian11") == (False, "needs GLIBC_2.34 (pthread_create); debian11 has 2.31")
    assert reason(DYNAMIC, "debian12", go=V1) == (True, "")


def test_the_remedy_for_several_platforms_is_the_oldest_one_s() -> None:
    found = finding(OWN_C, "debian11", "rhel7", "ubuntu20.04")

    assert [line for line in remedy_lines(found) if "glibc" in line] == [
        'link against that glibc: CC="zig cc -target x86_64-linux-gnu.2.17" CGO_ENABLED=1',
        "or build on a system whose glibc is 2.17 or older",
    ]


def test_a_family_without_a_version_is_every_release_of_it() -> None:
    found = finding(DYNAMIC, "debian")

    assert found.observed == "does not start on debian 10 11"
    assert [answer.platform for answer in found.platforms] == ["debian10", "debian11", "debian12", "debian13"]


def test_each_library_has_the_versions_of_its_own_kind() -> None:
    cxx = replace(
        DYNAMIC,
        needed=needed("libstdc++.so.6", "libgcc_s.so.1", "libc.so.6"),
        version_needs=(
            *needs("GLIBC_2.14"),
            *needs("GLIBCXX_3.4.30", "CXXABI_1.3.9", library="libstdc++.so.6"),
            *needs("GCC_3.0", library="libgcc_s.so.1"),
        ),
        imports=(),
    )

    assert reason(cxx, "debian12", go=V1) == (True, "")
    assert reason(cxx, "debian11") == (False, "needs GLIBCXX_3.4.30; debian11 has 3.4.28")
    assert reason(cxx, "distroless-base-debian12") == (
        False,
        "libstdc++.so.6 is not in the base system; libgcc_s.so.1 is not in the base system",
    )


def test_the_highest_of_several_needs_is_the_reason() -> None:
    image = replace(DYNAMIC, version_needs=needs("GLIBC_2.34", "GLIBC_2.38", "GLIBC_2.35"), imports=())

    assert reason(image, "debian11") == (False, "needs GLIBC_2.38; debian11 has 2.31")


def test_a_weak_version_need_is_a_caution() -> None:
    image = replace(DYNAMIC, version_needs=needs("GLIBC_2.38", weak=True), imports=())

    found = finding(image, "debian12", go=V1)

    assert found.outcome == "passed"
    assert found.caution == ("GLIBC_2.38 of libc.so.6 is missing, weakly: the loader warns, and calls may fail",)


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        ("GLIBC_ABI_DT_RELR", (False, "needs GLIBC_ABI_DT_RELR; debian11 has 2.31")),
        ("CXXABI_FLOAT128", (True, "the build info does not record GOAMD64: its CPU level is not known")),
        (
            "GLIBC_PRIVATE",
            (False, "app needs GLIBC_PRIVATE of libc.so.6: it fits only the very glibc that it was made with"),
        ),
        ("OPENSSL_1_1_1", (True, "the build info does not record GOAMD64: its CPU level is not known")),
        ("OPENSSL_3.0.0", (False, "needs OPENSSL_3.0.0; debian11 has 1.1.1")),
        ("KRB5_1.0", (None, "needs KRB5_1.0 of libc.so.6; whether debian11 has it is not known here")),
    ],
)
def test_other_versions_are_known_or_left_open(version: str, answer: tuple[bool | None, str]) -> None:
    assert reason(replace(DYNAMIC, version_needs=needs(version), imports=()), "debian11") == answer


def test_what_is_left_open_is_undecidable_and_what_is_missing_goes_before_it() -> None:
    open_ = replace(DYNAMIC, version_needs=needs("KRB5_1.0"), imports=())
    both = replace(DYNAMIC, version_needs=needs("KRB5_1.0", "GLIBC_2.34"), imports=())

    assert finding(open_, "debian11", "debian12").outcome == "undecidable"
    assert finding(open_, "debian11", "debian12").observed == "may not start on debian 11 12"
    assert reason(both, "debian11") == (False, "needs GLIBC_2.34; debian11 has 2.31")


def test_a_library_outside_the_base_system_is_missing() -> None:
    image = replace(DYNAMIC, needed=needed("libpcap.so.0.8", "libc.so.6"))

    assert reason(image, "debian12") == (False, "libpcap.so.0.8 is not in the base system")
    own = parse_platform("box", {"extends": "debian12", "libraries": ["libpcap.so.0.8"]})
    assert start_on(replace(subject(image, go=V1), platforms={"box": own}), own).starts is True


def test_a_library_is_looked_for_beside_the_image_where_its_runpath_says_so(tmp_path: Path) -> None:
    image = replace(DYNAMIC, path=str(tmp_path / "app"), needed=needed("libown.so.1"), runpath=("$ORIGIN/lib",))

    assert reason(image, "debian12") == (False, "libown.so.1 is not in the base system, nor beside the image")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libown.so.1").write_bytes(b"not an image")
    assert reason(image, "debian12") == (
        False,
        "libown.so.1, beside the image, is no ELF file: the loader ends there",
    )


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"runpath": ("/opt/lib",)}, "libown.so: what is in DT_RUNPATH /opt/lib there is not known here"),
        ({"rpath": ("/opt/lib",)}, "libown.so: what is in DT_RPATH /opt/lib there is not known here"),
    ],
)
def test_a_folder_of_the_target_machine_is_not_known(changes: dict[str, Any], text: str) -> None:
    assert reason(replace(DYNAMIC, needed=needed("libown.so")), "debian12", **changes) == (None, text)


def test_a_library_by_its_path_is_not_known() -> None:
    image = replace(DYNAMIC, needed=needed("/opt/libown.so"))

    assert reason(image, "debian12") == (None, "/opt/libown.so: what is in that path there is not known here")


def test_musl_s_programs_start_on_alpine_alone() -> None:
    assert reason(MUSL, "alpine3.20", go=V1) == (True, "")
    assert reason(replace(MUSL, needed=needed("libc.so")), "alpine3.20", go=V1) == (True, "")
    assert reason(MUSL, "debian12") == (
        False,
        "PT_INTERP /lib/ld-musl-x86_64.so.1 is not there: its loader is glibc's /lib64/ld-linux-x86-64.so.2",
    )
    assert reason(MUSL, "busybox-musl")[0] is False


def test_musl_s_loader_takes_glibc_s_names_for_itself_but_not_its_symbols() -> None:
    versioned = replace(DYNAMIC, interpreter=MUSL_LOADER)
    resolv = replace(MUSL, needed=needed("libresolv.so.2"))

    fortified = replace(versioned, imports=symbols("puts", "__vfprintf_chk", library="libc.so.6", version="GLIBC_2.3"))

    assert reason(versioned, "alpine3.20", go=V1) == (
        True,
        "was linked against glibc, whose structures are others than musl's: what starts may still fail",
    )
    assert reason(fortified, "alpine3.20") == (False, "was linked against glibc: musl has no __vfprintf_chk")
    assert reason(resolv, "alpine3.20") == (False, "libresolv.so.2 is not in the base system")
    assert reason(replace(IMPORT_DYNAMIC, interpreter=MUSL_LOADER), "alpine3.20", go=V1) == (True, "")


@pytest.mark.parametrize(
    ("name", "platform", "starts"),
    [
        ("statx", "alpine3.19", False),
        ("statx", "alpine3.20", True),
        ("pthread_getname_np", "alpine3.15", False),
        ("pthread_getname_np", "alpine3.16", True),
        ("renameat2", "alpine3.23", False),
        ("renameat2", "alpine3.24", True),
        # The loader takes off the 64 of names up to 16 characters alone.
        ("posix_fallocate64", "alpine3.17", True),
        ("posix_fallocate64", "alpine3.20", False),
        ("posix_fallocate64", "alpine3.24", True),
        ("__fxstat", "alpine3.15", True),
    ],
)
def test_a_program_for_a_newer_musl_does_not_start_on_an_older_one(name: str, platform: str, starts: bool) -> None:
    image = replace(MUSL, imports=symbols(name), go=V1)

    assert reason(image, platform)[0] is starts
    if not starts:
        assert reason(image, platform)[1].startswith(f"calls {name}, which musl 1.2.")
    assert reason(replace(image, imports=(replace(image.imports[0], weak=True),)), platform)[0] is True


def test_which_musl_a_program_needs_is_left_open_where_the_platform_does_not_say() -> None:
    own = parse_platform("own", {"targets": ["linux/amd64"], "libc": "musl"})

    assert start_on(subject(replace(MUSL, imports=symbols("statx"), go=V1)), own).starts is None
    assert start_on(subject(replace(MUSL, imports=symbols("puts"), go=V1)), own).starts is True


def test_some_symbols_of_musl_are_those_of_an_architecture() -> None:
    assert musl_has("arch_prctl", "1.2.5", "amd64")
    assert not musl_has("arch_prctl", "1.2.5", "arm64")
    assert not musl_has("__xstat", "1.2.4", "arm")
    assert musl_has("__xstat", "1.2.5", "arm")
    assert musl_has("__xstat", "1.2.2", "arm64")


def test_what_a_glibc_before_2_34_has_elsewhere_must_be_needed_from_there() -> None:
    image = replace(IMPORT_DYNAMIC, imports=symbols("dlopen", "puts"))

    assert reason(image, "debian11") == (
        False,
        "calls dlopen without needing libdl.so.2, where glibc 2.31 has it",
    )
    assert reason(image, "debian12")[0] is True
    assert reason(replace(image, needed=needed("libdl.so.2", "libc.so.6")), "debian11")[0] is True


def test_a_static_glibc_s_name_service_is_a_caution_everywhere() -> None:
    found = finding(GLIBC_STATIC, "scratch")

    assert found.outcome == "passed"
    assert found.caution[0] == (
        "getaddrinfo in a static glibc loads plug-ins of the glibc that it was linked with: where those are not, "
        "lookups fail or crash"
    )


def test_dlopen_is_a_caution() -> None:
    image = replace(DYNAMIC, imports=symbols("dlopen", library="libc.so.6", version="GLIBC_2.34"))

    assert "calls dlopen: what it opens does not show in the image" in finding(image, "debian12").caution


def test_an_image_for_another_port_starts_nowhere() -> None:
    assert reason(STATIC, "macos13") == (False, "it is for linux/amd64, not for darwin")
    arm = replace(STATIC, target=target("linux/riscv64"))
    assert reason(arm, "rhel9") == (False, "it is for linux/riscv64, not for amd64, arm64, ppc64le, s390x")
    assert remedy_lines(finding(arm, "amazonlinux2")) == ("GOARCH=amd64 or arm64",)


def test_a_static_32_bit_image_is_up_to_the_kernel() -> None:
    small = replace(STATIC, target=target("linux/386"), go=go(GO386="sse2"))

    assert reason(small, "rhel9") == (
        None,
        "it is for linux/386; whether the kernel for amd64 runs 32-bit programs is its own choice",
    )
    assert reason(small, "debian12") == (True, "")
    dynamic = replace(small, linkage="dynamic", interpreter="/lib/ld-linux.so.2")
    assert reason(dynamic, "rhel9")[0] is False


def test_an_image_without_a_target_is_left_open() -> None:
    unsaid = "the image does not say what system and CPU it is for: "

    assert reason(STATIC, "debian12", target=None) == (None, f"{unsaid}elf")
    assert reason(STATIC, "debian12", target=None, format="plan9") == (None, f"{unsaid}plan9")
    assert reason(MACHO, "macos26", target=None, macho=MachO(platform="macos", uuid="X"))[0] is False


def test_an_archive_is_not_linked_yet() -> None:
    assert finding(ARCHIVE, "debian12").outcome == "undecidable"


@pytest.mark.parametrize(
    ("level", "platform", "answer"),
    [
        ("v1", "debian12", (True, "")),
        ("v2", "debian12", (False, "needs GOAMD64=v2; debian12 runs on v1")),
        ("v2", "rhel9", (True, "")),
        ("v3", "rhel9", (False, "needs GOAMD64=v3; rhel9 runs on v2")),
        ("v3", "rhel10", (True, "")),
        ("v7", "rhel10", (None, "GOAMD64=v7 is no level that is known")),
    ],
)
def test_the_cpu_level_is_held_against_the_platform_s(
    level: str, platform: str, answer: tuple[bool | None, str]
) -> None:
    assert reason(STATIC, platform, go=go(GOAMD64=level)) == answer


def test_an_arm_image_of_go_s_default_level_starts_on_scratch_and_not_on_every_alpine() -> None:
    arm = replace(STATIC, target=target("linux/arm"), go=go(GOARM="7"))

    assert reason(arm, "scratch") == (True, "")
    assert reason(arm, "alpine3.20") == (False, "needs GOARM=7; alpine3.20 runs on 6")


def test_a_c_compiler_s_level_counts_too() -> None:
    note = (CpuLevel(setting="GOAMD64", level="v3", via="GNU_PROPERTY_X86_ISA_1_NEEDED"),)
    found = finding(FOREIGN, "debian12", cpu_notes=note)

    assert found.platforms[0].reason == "needs GOAMD64=v3; debian12 runs on v1"
    assert remedy_lines(found) == ("compile the C code for the platform's CPU level",)


def test_a_level_that_is_not_recorded_is_a_caution_and_s390x_has_one_alone() -> None:
    assert finding(STATIC, "debian12").caution == (
        "the build info does not record GOAMD64: its CPU level is not known",
    )
    assert finding(STATIC, "debian12", target=target("linux/s390x")).caution == ()


def test_a_kernel_older_than_go_s_oldest_is_refused() -> None:
    old = parse_platform("router", {"targets": ["linux/amd64"], "kernel": "2.6.32"})

    def answer(version: str) -> tuple[bool | None, str]:
        found = start_on(subject(STATIC, go=replace(V1, version=version)), old).answer
        return found.starts, found.reason

    assert answer("go1.27.3") == (False, "Go 1.27 needs Linux 3.2; router has 2.6.32")
    assert answer("go1.23.4") == (True, "")
    assert answer("devel") == (True, "")


def test_a_platform_of_the_policy_is_found_by_its_name() -> None:
    own = parse_platform("box", {"targets": ["linux/arm64"]})
    asked = Subject(name="app", facts=replace(STATIC, go=V1), platforms={"box": own})

    assert evaluate("runs-on", asked, {"platforms": ["box"]}).observed == "does not start on box"


def test_a_store_path_is_left_open_on_nixos_and_missing_elsewhere() -> None:
    image = replace(PIE, interpreter="/nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2")

    assert reason(image, "nixos")[0] is None
    assert reason(image, "debian12") == (
        False,
        "PT_INTERP /nix/store/abc-glibc-2.40/lib/ld-linux-x86-64.so.2 is not there: that folder is NixOS's own",
    )


def test_macos_asks_for_its_version_lc_uuid_and_libraries_of_its_own() -> None:
    with_uuid = replace(MACHO, macho=MachO(platform="macos", uuid="X"), go=go(GOARM64="v8.0"))

    assert reason(with_uuid, "macos13") == (True, "")
    assert reason(with_uuid, "macos12") == (False, "minimum OS 13.0")
    assert reason(MACHO, "macos26") == (False, "no LC_UUID")
    old = replace(with_uuid, os_minimum="11.0", macho=MachO(platform="macos", sdk="11.0"))
    assert reason(old, "macos15") == (True, "")
    assert reason(old, "macos26")[0] is None
    brew = replace(with_uuid, needed=needed("/opt/homebrew/lib/libssl.3.dylib", via="LC_LOAD_DYLIB"))
    assert reason(brew, "macos15") == (False, "/opt/homebrew/lib/libssl.3.dylib is no part of macOS")
    weak = replace(brew, needed=needed("/opt/homebrew/lib/libssl.3.dylib", via="LC_LOAD_WEAK_DYLIB"))
    assert reason(weak, "macos15")[0] is True


def test_a_dylib_beside_the_image_is_a_caution(tmp_path: Path) -> None:
    image = replace(
        MACHO,
        path=str(tmp_path / "app"),
        needed=needed("@rpath/libown.dylib", via="LC_LOAD_DYLIB"),
        rpath=("@executable_path/lib",),
        go=go(GOARM64="v8.0"),
        macho=MachO(platform="macos", uuid="X"),
    )

    assert reason(image, "macos15") == (False, "@rpath/libown.dylib is no part of macOS")
    assert reason(replace(image, rpath=("/opt/lib",)), "macos15") == (
        None,
        "@rpath/libown.dylib: what is in LC_RPATH there is not known here",
    )
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/libown.dylib").touch()
    assert reason(image, "macos15") == (
        True,
        "@rpath/libown.dylib is beside the image; what it needs is not looked at",
    )
    (tmp_path / "bin").mkdir()
    apart = replace(image, path=str(tmp_path / "bin/app"), rpath=("@executable_path/../lib",))
    assert reason(apart, "macos15") == (
        None,
        "@rpath/libown.dylib: its place is outside of the project, and what is there is not known here",
    )


def test_mac_catalyst_is_left_open() -> None:
    assert reason(MACHO, "macos15", macho=MachO(platform="maccatalyst", uuid="X"))[0] is None


def test_windows_asks_for_its_version_and_its_dlls() -> None:
    image = replace(PE, go=go(GOAMD64="v1"))

    assert reason(image, "windows10") == (True, "")
    assert reason(image, "windows-server2012r2") == (
        False,
        "subsystem version 10.0; windows-server2012r2 has 6.3; Go 1.27 runs on Windows 10 or Server 2016 and newer",
    )
    old = replace(image, os_minimum="6.1", go=replace(go(GOAMD64="v1"), version="go1.20.14"))
    assert reason(old, "windows-server2012") == (True, "")
    ucrt = replace(old, needed=needed("api-ms-win-crt-heap-l1-1-0.dll", via="import directory"))
    assert reason(ucrt, "windows10") == (True, "")
    assert reason(ucrt, "windows-server2012") == (
        None,
        "api-ms-win-crt-heap-l1-1-0.dll is there only with the update KB2999226",
    )
    xp = parse_platform("xp", {"targets": ["windows/amd64"], "os-version": "5.2"})
    assert start_on(subject(replace(old, os_minimum=None)), xp).answer.reason == (
        "Go 1.20 runs on Windows 7 or Server 2008 R2 and newer"
    )


def test_not_every_windows_loads_what_is_bound() -> None:
    image = replace(PE, go=go(GOAMD64="v1"), needed=needed("evil.dll", via="bound import directory"))

    assert start_on(subject(image), PLATFORMS["windows11"]).starts is True
    assert "evil.dll is not there: not every Windows loads what is bound" in str(finding(image, "windows11"))


def test_nano_server_has_fewer_dlls() -> None:
    image = replace(PE, go=go(GOAMD64="v1"), needed=needed("KERNEL32.dll", "user32.dll", via="import directory"))
    late = replace(image, needed=needed("user32.dll", via="delay-import directory"))
    before = replace(go(GOAMD64="v1"), version="go1.23.4")
    users = replace(PE, go=before, content=replace(PE.content, user_lookup=("system",)))

    assert reason(image, "windows11") == (True, "")
    assert reason(image, "nanoserver-ltsc2022") == (False, "user32.dll is not there")
    assert reason(late, "nanoserver-ltsc2022") == (
        True,
        "user32.dll is not there: the first call into it fails; not verified: the libraries of nanoserver-ltsc2022",
    )
    netapi = "os/user loads netapi32.dll, which Nano Server does not have"
    assert netapi in finding(users, "nanoserver").caution
    assert netapi not in finding(replace(users, go=replace(before, version="go1.24.0")), "nanoserver").caution
    sets = replace(image, needed=needed("api-ms-win-crt-heap-l1-1-0.dll", via="import directory"))
    assert reason(sets, "nanoserver-ltsc2022") == (True, "not verified: the libraries of nanoserver-ltsc2022")


def test_a_dll_beside_the_program_is_found_first(tmp_path: Path) -> None:
    image = replace(PE, path=str(tmp_path / "app.exe"), needed=needed("libown.dll", via="import directory"))

    assert reason(image, "windows11") == (False, "libown.dll is not there")
    (tmp_path / "libown.dll").touch()
    assert reason(image, "windows11", go=go(GOAMD64="v1"))[0] is True
    # What is outside of the project is not looked at.
    apart = replace(image, path=str(tmp_path / "bin/app.exe"), needed=needed("../libown.dll", via="import directory"))
    (tmp_path / "bin").mkdir()
    assert reason(apart, "windows11", go=go(GOAMD64="v1"))[0] is False


ANDROID = replace(
    LOADED,
    target=target("android/arm64"),
    linkage="dynamic",
    interpreter="/system/bin/linker64",
    needed=needed("libc.so", "liblog.so"),
    hardening=Hardening(pie=True, nx=True, relro="none", writable_code=False),
    go=go(GOARM64="v8.0"),
    program_headers=(header("PT_LOAD", "r-x", 0x10000, 0x1000, 0x10000),),
)


def test_android_asks_for_a_pie_its_own_libraries_and_from_15_on_for_large_pages() -> None:
    small = replace(ANDROID, program_headers=(header("PT_LOAD", "r-x", 0x1000, 0x1000, 0x1000),))

    assert reason(ANDROID, "android34") == (True, "")
    assert reason(ANDROID, "android34", hardening=Hardening(pie=False)) == (
        False,
        "Android's loader accepts only position-independent programs",
    )
    assert reason(small, "android34") == (True, "")
    assert reason(small, "android35") == (
        True,
        "a PT_LOAD is aligned to 4096: on devices with pages of 16 kB it does not start",
    )
    newer = replace(ANDROID, version_needs=needs("LIBC", "LIBC_R", library="libc.so"))
    assert reason(newer, "android29") == (False, "needs LIBC_R; android29 has 29")
    assert reason(newer, "android30") == (True, "")
    logs = replace(
        ANDROID, version_needs=(*needs("LIBLOG", "LIBLOG_O", library="liblog.so"), *needs("LIBC_OMR1", "LIBC_36"))
    )
    assert reason(logs, "android27") == (False, "needs LIBC_36; android27 has 27")
    assert reason(logs, "android36") == (True, "")
    assert reason(replace(ANDROID, version_needs=needs("LIBC_OMR1")), "android26")[0] is False
    assert reason(replace(ANDROID, version_needs=needs("LIBC_X")), "android36")[0] is None
    assert reason(replace(ANDROID, version_needs=needs("OWN")), "android36")[0] is None
    assert reason(DYNAMIC, "android34")[1].endswith("Android has bionic's loader alone: neither glibc nor musl")


def test_openbsd_ends_static_programs_and_has_one_libc() -> None:
    static = replace(STATIC, target=target("openbsd/amd64"), go=V1)
    dynamic = replace(
        static, linkage="dynamic", interpreter="/usr/libexec/ld.so", needed=needed("libc.so", "libpthread.so")
    )

    assert reason(static, "openbsd7.4") == (True, "")
    assert reason(static, "openbsd7.5")[0] is False
    assert reason(dynamic, "openbsd7.6") == (True, "")
    assert reason(replace(dynamic, needed=needed("libc.so.97.1")), "openbsd7.6") == (
        False,
        "libc.so.97.1 is not there: openbsd7.6 has libc.so.100.3",
    )


def test_freebsd_has_versions_of_its_own() -> None:
    image = replace(
        STATIC,
        target=target("freebsd/amd64"),
        linkage="dynamic",
        interpreter="/libexec/ld-elf.so.1",
        needed=needed("libthr.so.3", "libc.so.7"),
        version_needs=needs("FBSD_1.7", library="libc.so.7"),
        cgo=Cgo(used=True, packages=("net", "runtime/cgo")),
        go=V1,
    )

    assert reason(image, "freebsd14") == (True, "")
    assert reason(image, "freebsd13") == (False, "needs FBSD_1.7; freebsd13 has 1.6")


def test_a_yes_that_rests_on_unverified_facts_says_so() -> None:
    own = parse_platform(
        "own",
        {
            "extends": "debian12",
            "targets": ["linux/loong64"],
            "unverified": ["targets", "libraries", "versions", "kernel", "cpu"],
        },
    )

    def cautions(image: BinaryFacts) -> str:
        start = start_on(subject(image), own)
        assert start.starts is True
        return start.answer.reason

    static, needing = replace(STATIC, go=V1), replace(DYNAMIC, go=V1)
    assert cautions(static) == ""
    assert cautions(replace(static, target=target("linux/loong64"))) == "not verified: the ports of own"
    assert cautions(replace(needing, version_needs=(), imports=())) == "not verified: the libraries of own"
    assert cautions(needing) == "not verified: the libraries, symbol versions of own"
    fast = parse_platform("fast", {"extends": "debian12", "cpu": {"amd64": "v3"}, "unverified": ["cpu"]})
    assert start_on(subject(replace(STATIC, go=go(GOAMD64="v3"))), fast).answer.reason == (
        "not verified: the CPU level of fast"
    )
    assert start_on(subject(static), fast).answer.reason == ""


def test_a_wasm_module_starts_on_no_platform() -> None:
    assert reason(STATIC, "debian12", format="wasm", target=target("js/wasm"))[0] is False


def test_a_platform_that_is_not_known_is_an_error() -> None:
    with pytest.raises(ParameterError, match='unknown platform "debain12"; did you mean "debian12"'):
        finding(STATIC, "debain12")
    with pytest.raises(ParameterError, match="runs-on: platforms: '' is not a platform such as"):
        finding(STATIC, "")


def test_the_helper_takes_one_name_or_several() -> None:
    assert_runs_on(replace(STATIC, go=V1), "debian")
    with pytest.raises(PolicyViolation) as violation:
        assert_runs_on(DYNAMIC, ["debian11", "debian12"])

    assert violation.value.finding.observed == "does not start on debian11"


def library(folder: Path, name: str, *more: Path | str) -> Path:
    """A shared library that needs libc, and what else the compiler is told."""
    path = folder / name
    source = folder / f"{name}.c"
    source.write_text(f"int golink_{name.partition('.')[0]}(void) {{ return 1; }}\n")
    flags = ["-shared", "-fPIC", f"-Wl,-soname,{name}", "-Wl,--no-as-needed", "-Wl,-rpath,$ORIGIN"]
    subprocess.run(["gcc", *flags, str(source), *map(str, more), "-o", str(path)], check=True)
    return path


def test_a_library_beside_the_image_is_read_and_so_are_those_that_it_needs(tmp_path: Path) -> None:
    inner = library(tmp_path, "libinner.so.1")
    library(tmp_path, "libouter.so.1", inner)
    image = replace(
        DYNAMIC, path=str(tmp_path / "app"), needed=needed("libouter.so.1", "libinner.so.1"), runpath=("$ORIGIN",)
    )

    assert reason(image, "debian12", go=V1) == (True, "")
    inner.unlink()
    assert reason(image, "debian12") == (
        False,
        "libinner.so.1 is not in the base system, nor beside the image",
    )
    assert reason(replace(image, target=target("linux/arm64"), interpreter=None), "debian12") == (
        False,
        "libouter.so.1, beside the image, is for amd64; libinner.so.1 is not in the base system, nor beside the image",
    )


def test_an_image_with_too_many_libraries_beside_it_is_left_open(tmp_path: Path) -> None:
    real = library(tmp_path, "liba.so")
    names = [f"lib{number}.so" for number in range(70)]
    for name in names:
        (tmp_path / name).symlink_to(real.name)
    image = replace(DYNAMIC, path=str(tmp_path / "app"), needed=needed(*names), runpath=("$ORIGIN",))

    starts, text = reason(image, "debian12")

    assert starts is None
    assert "beside the image, is one of too many to be read" in text


def test_a_library_beside_the_image_need_not_name_its_system(tmp_path: Path) -> None:
    library(tmp_path, "libbare.so", "-nostdlib")
    image = replace(DYNAMIC, path=str(tmp_path / "app"), needed=needed("libbare.so"), runpath=("${ORIGIN}",))

    assert reason(image, "debian12", go=V1) == (True, "")


def test_a_static_image_for_linux_starts_on_android_and_finds_no_name_server() -> None:
    image = replace(STATIC, target=target("linux/arm64"), resolver=("go",), go=go(GOARM64="v8.0"))

    names = "Android has no /etc/resolv.conf: Go's resolver finds no name server"
    assert reason(image, "android25") == (True, names)
    assert reason(image, "android34") == (
        True,
        f"{names}; os/exec's search for a program calls faccessat2, for which Android ends the program of an app",
    )
    assert reason(replace(image, go=replace(go(GOARM64="v8.0"), version="go1.19.13")), "android34") == (True, names)


def test_a_static_glibc_is_ended_by_androids_filter_of_system_calls() -> None:
    image = replace(STATIC, target=target("linux/arm64"), libc=Libc(kind="glibc", presence="embedded"))
    musl = replace(image, libc=Libc(kind="musl", presence="embedded"))

    assert reason(image, "android25")[0] is True
    assert reason(image, "android26") == (
        False,
        "a static glibc calls set_robust_list at its start, for which Android ends the program of an app",
    )
    assert reason(musl, "android34")[0] is True
    assert remedy_lines(finding(replace(image, go=None), "android34")) == ("link it with a static musl",)


def test_a_go_that_calls_futex_time64_does_not_start_before_android_11() -> None:
    image = replace(ANDROID, target=target("android/arm"), interpreter="/system/bin/linker")

    def said(version: str, platform: str) -> bool | None:
        return reason(replace(image, go=replace(go(GOARM="7"), version=version)), platform)[0]

    assert said("go1.26.2", "android25") is True
    assert said("go1.26.2", "android29") is False
    assert said("go1.26.2", "android30") is True
    assert said("go1.26.3", "android29") is True
    assert said("go1.25.9", "android29") is True
    assert reason(replace(ANDROID, go=replace(go(GOARM64="v8.0"), version="go1.26.0")), "android29")[0] is True


def test_a_32_bit_program_for_android_is_left_open_where_there_are_devices_of_64_bits_alone() -> None:
    image = replace(ANDROID, target=target("android/arm"), interpreter="/system/bin/linker", go=go(GOARM="7"))

    assert reason(image, "android32") == (True, "")
    assert reason(image, "android33") == (
        None,
        "it is for android/arm: 64-bit-only devices start no 32-bit program",
    )


OPENBSD = replace(
    STATIC,
    target=target("openbsd/amd64"),
    linkage="dynamic",
    interpreter="/usr/libexec/ld.so",
    needed=needed("libc.so", "libpthread.so"),
    go=V1,
)


@pytest.mark.parametrize("platform", [name for name, each in PLATFORMS.items() if each.goos == "openbsd"])
def test_a_library_without_a_version_is_there_on_every_openbsd(platform: str) -> None:
    assert reason(OPENBSD, platform) == (True, "")


@pytest.mark.parametrize(
    ("library", "platform", "expected"),
    [
        ("libc.so.100.3", "openbsd7.6", (True, "")),
        ("libc.so.100.1", "openbsd7.6", (True, "")),
        ("libc.so.100", "openbsd7.6", (True, "")),
        ("libc++.so.10.0", "openbsd7.6", (True, "")),
        ("libc.so.97.1", "openbsd7.6", (False, "libc.so.97.1 is not there: openbsd7.6 has libc.so.100.3")),
        ("libc.so.102.0", "openbsd7.6", (False, "libc.so.102.0 is not there: openbsd7.6 has libc.so.100.3")),
        (
            "libpthread.so.28.1",
            "openbsd7.8",
            (
                None,
                "libpthread.so.28.1: openbsd7.8 has libpthread.so.28.0, which ld.so takes with a warning: what is "
                "newer is missing",
            ),
        ),
        ("libc.so.100.3", "openbsd7.7", (None, "libc.so.100.3: which version of it openbsd7.7 has is not known here")),
        ("libpng.so.18.0", "openbsd7.6", (False, "libpng.so.18.0 is not in the base system")),
        ("libc.so.100.3.1", "openbsd7.6", (False, "libc.so.100.3.1 is not in the base system")),
        (f"libc.so.{'9' * 5000}", "openbsd7.6", (False, f"libc.so.{'9' * 5000} is not in the base system")),
    ],
)
def test_openbsd_takes_the_same_major_and_at_least_the_minor(
    library: str, platform: str, expected: tuple[bool | None, str]
) -> None:
    assert reason(replace(OPENBSD, needed=needed(library)), platform) == expected


def test_a_version_that_openbsd_does_not_have_may_be_where_the_image_looks() -> None:
    image = replace(OPENBSD, needed=needed("libz.so.6.0"), runpath=("/usr/local/lib",))

    assert reason(image, "openbsd7.6") == (
        None,
        "libz.so.6.0: what is in DT_RUNPATH /usr/local/lib there is not known here",
    )


def test_a_version_that_openbsd_does_not_have_has_its_remedy() -> None:
    found = finding(replace(OPENBSD, needed=needed("libc.so.97.1")), "openbsd7.6")

    assert found.outcome == "violated"
    assert "CGO_ENABLED=0, which needs no version of a library" in remedy_lines(found)
    assert "or link it on OpenBSD 7.6" in remedy_lines(found)


def test_a_library_on_openbsd_gets_the_libc_of_its_program() -> None:
    image = replace(OPENBSD, kind="shared-library", interpreter=None, needed=needed("libc.so.99.0"))

    assert reason(image, "openbsd7.6") == (
        None,
        "libc.so.99.0: openbsd7.6 has libc.so.100.3; a library gets the libc that its program needs",
    )
    assert reason(image, "openbsd7.4") == (False, "libc.so.99.0 is not there: openbsd7.4 has libc.so.97.1")


def test_libraries_of_an_own_openbsd_may_be_for_one_architecture() -> None:
    router = parse_platform("router", {"extends": "openbsd7.6", "libraries": {"arm64": ["libown.so.2.1"]}})
    image = replace(OPENBSD, target=target("openbsd/arm64"), needed=needed("libown.so.2.0", "libown.so"))

    assert start_on(subject(image), router).answer.starts is True
    assert start_on(subject(replace(image, target=target("openbsd/amd64"))), router).answer.starts is False


def test_a_static_program_of_openbsd_s_linker_may_pin_its_system_calls() -> None:
    image = replace(STATIC, target=target("openbsd/amd64"), go=V1)
    text = "OpenBSD ends a static program that pins no system calls (pinsyscalls)"

    assert reason(image, "openbsd7.5") == (False, text)
    assert reason(replace(image, link_mode="external"), "openbsd7.5") == (
        None,
        f"{text}; whether it does is not known here",
    )
    assert reason(replace(image, go=None), "openbsd7.5")[0] is None
    assert reason(replace(image, go=None), "openbsd7.4") == (True, "")


def test_a_real_image_for_openbsd_names_no_version(go_build: GoBuild) -> None:
    facts = go_build("sample_go/static", target="openbsd/amd64", cgo=False).facts

    assert reason(facts, "openbsd7.4")[0] is True
    assert reason(facts, "openbsd7.9")[0] is True


def test_freebsd_15_has_another_libutil_and_has_split_libc() -> None:
    image = replace(
        STATIC,
        target=target("freebsd/amd64"),
        linkage="dynamic",
        interpreter="/libexec/ld-elf.so.1",
        needed=needed("libutil.so.9", "libc.so.7"),
        go=V1,
    )
    newer = replace(image, needed=needed("libutil.so.10", "libc.so.7", "libsys.so.7"))

    assert reason(image, "freebsd14") == (True, "")
    assert reason(image, "freebsd15") == (False, "libutil.so.9 is not in the base system")
    assert reason(newer, "freebsd15") == (True, "")
    assert reason(newer, "freebsd14")[0] is False
