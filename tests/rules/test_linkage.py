"""Rules about linkage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_golink.facts import Cgo, Hardening, Libc
from pytest_golink.report.remedy_text import remedy_lines
from pytest_golink.rules import evaluate
from tests.rules.facts_factory import (
    ARCHIVE,
    DYNAMIC,
    FOREIGN,
    GLIBC_STATIC,
    IMPORT_DYNAMIC,
    LOADER,
    MACHO,
    OWN_C,
    PE,
    PIE,
    STATIC,
    go,
    needed,
    subject,
    symbols,
    target,
)

if TYPE_CHECKING:
    from pytest_golink import GoSample
    from pytest_golink.facts import BinaryFacts

STATIC_PIE = replace(STATIC, linkage="static-pie", hardening=Hardening(pie=True))
UNSAID = replace(STATIC, linkage=None)
SHARED = replace(DYNAMIC, kind="shared-library", interpreter=None, link_mode="external")
OBJECT = replace(ARCHIVE, format="coff", kind="object")
PLAN9 = replace(STATIC, format="plan9", target=target("plan9/amd64"), rpath=None, runpath=None)
ANDROID = replace(
    PIE, target=target("android/arm64"), interpreter="/system/bin/linker64", libc=Libc(kind="bionic", presence="none")
)
OPENBSD = replace(
    DYNAMIC,
    target=target("openbsd/amd64"),
    interpreter="/usr/libexec/ld.so",
    needed=needed("libpthread.so", "libc.so"),
    imports=(),
    version_needs=(),
    libc=Libc(kind="bsd", presence="dynamic"),
    cgo=Cgo(enabled=False, used=False),
)


@pytest.mark.parametrize(
    ("rule", "parameters", "facts", "outcome", "observed"),
    [
        ("static", {}, STATIC, "passed", "static"),
        ("static", {}, STATIC_PIE, "passed", "static-pie"),
        ("static", {}, PLAN9, "passed", "static"),
        ("static", {}, DYNAMIC, "violated", "dynamic"),
        ("static", {}, PIE, "violated", "dynamic"),
        ("static", {}, MACHO, "violated", "dynamic"),
        ("static", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("static", {}, OBJECT, "undecidable", "an object, which is not linked yet"),
        ("static", {}, UNSAID, "undecidable", "the image does not say how it is linked"),
        ("dynamic", {}, DYNAMIC, "passed", "dynamic"),
        ("dynamic", {}, PE, "passed", "dynamic"),
        ("dynamic", {}, STATIC, "violated", "static"),
        ("dynamic", {}, GLIBC_STATIC, "violated", "static"),
        ("dynamic", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("dynamic", {}, UNSAID, "undecidable", "the image does not say how it is linked"),
        ("self-contained", {}, STATIC, "passed", "static"),
        ("self-contained", {}, STATIC_PIE, "passed", "static-pie"),
        ("self-contained", {}, PIE, "violated", "dynamic"),
        ("self-contained", {}, DYNAMIC, "violated", "dynamic"),
        ("self-contained", {}, MACHO, "passed", "needs 2 libraries of the system"),
        ("self-contained", {}, PE, "passed", "needs 1 library of the system"),
        ("self-contained", {}, ANDROID, "passed", "needs 0 libraries of the system"),
        ("self-contained", {}, OPENBSD, "passed", "needs 2 libraries of the system"),
        ("self-contained", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("self-contained", {}, UNSAID, "undecidable", "the image does not say how it is linked"),
        (
            "self-contained",
            {},
            replace(FOREIGN, target=None),
            "undecidable",
            "dynamic, and the image does not name its operating system",
        ),
        ("needs", {"libraries": "libc.so.?"}, DYNAMIC, "passed", "needs each"),
        ("needs", {"libraries": "KERNEL32.DLL"}, PE, "passed", "needs each"),
        ("needs", {"libraries": ["libc.so.6", "libm.so.6"]}, DYNAMIC, "violated", "does not need libm.so.6"),
        ("needs", {"libraries": "LIBC.SO.6"}, DYNAMIC, "violated", "does not need LIBC.SO.6"),
        ("needs", {"libraries": "libSystem.B.dylib"}, MACHO, "violated", "does not need libSystem.B.dylib"),
        ("needs", {"libraries": "**/libSystem.B.dylib"}, MACHO, "passed", "needs each"),
        ("needs", {"libraries": "libc.so.6"}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("only-needs", {"libraries": []}, STATIC, "passed", "needs nothing"),
        ("only-needs", {"libraries": ["libc.so.6"]}, DYNAMIC, "passed", "needs libc.so.6"),
        ("only-needs", {"libraries": ["Kernel*"]}, PE, "passed", "needs kernel32.dll"),
        ("only-needs", {"libraries": ["libc.so.6"]}, OWN_C, "violated", "needs libm.so.6"),
        ("only-needs", {"libraries": []}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("interpreter", {"path": LOADER}, DYNAMIC, "passed", LOADER),
        ("interpreter", {"path": "/usr/lib/dyld"}, MACHO, "passed", "/usr/lib/dyld"),
        ("interpreter", {"path": LOADER}, STATIC, "violated", "none"),
        (
            "interpreter",
            {"path": LOADER},
            SHARED,
            "not-applicable",
            "a shared library names no interpreter: the program that loads it does",
        ),
        ("interpreter", {"path": LOADER}, PE, "not-applicable", "pe images name no interpreter"),
        ("interpreter", {"path": LOADER}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("no-interpreter", {}, STATIC, "passed", "none"),
        ("no-interpreter", {}, PIE, "violated", LOADER),
        ("no-interpreter", {}, PE, "not-applicable", "pe images name no interpreter"),
        ("no-interpreter", {}, OBJECT, "undecidable", "an object, which is not linked yet"),
        ("no-rpath", {}, STATIC, "passed", "none"),
        ("no-rpath", {}, MACHO, "passed", "none"),
        ("no-rpath", {}, replace(DYNAMIC, rpath=("/a",), runpath=("/b", "/c")), "violated", "3 entries"),
        ("no-rpath", {}, PE, "not-applicable", "pe images have no such entry"),
        ("no-rpath", {}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("imports", {"symbols": ["getaddrinfo", "pthread_*"]}, DYNAMIC, "passed", "imports each"),
        ("imports", {"symbols": "getaddrinfo"}, MACHO, "passed", "imports each"),
        ("imports", {"symbols": "writefile"}, PE, "passed", "imports each"),
        ("imports", {"symbols": ["puts", "getaddrinfo"]}, DYNAMIC, "violated", "does not import puts"),
        ("imports", {"symbols": "puts"}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
        ("no-imports", {"symbols": ["dlopen"]}, DYNAMIC, "passed", "imports none of them"),
        ("no-imports", {"symbols": ["get*", "dlopen"]}, DYNAMIC, "violated", "imports getaddrinfo"),
        ("no-imports", {"symbols": "puts"}, ARCHIVE, "undecidable", "an archive, which is not linked yet"),
    ],
)
def test_what_each_rule_says(
    rule: str, parameters: dict[str, object], facts: BinaryFacts, outcome: str, observed: str
) -> None:
    finding = evaluate(rule, subject(facts), parameters)

    assert (finding.outcome, finding.observed) == (outcome, observed)


def test_a_violation_of_static_shows_evidence_cause_and_remedy() -> None:
    finding = evaluate("static", subject(DYNAMIC), {})

    assert finding.expected == "no PT_INTERP, no DT_NEEDED"
    assert finding.evidence == (
        "PT_INTERP /lib64/ld-linux-x86-64.so.2",
        "DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)",
    )
    assert finding.cause == ("net uses cgo: its wrappers are in the image, and runtime/cgo with them",)
    assert remedy_lines(finding) == ("CGO_ENABLED=0, or -tags netgo",)


def test_a_pass_of_static_shows_what_is_not_there() -> None:
    assert evaluate("static", subject(STATIC), {}).evidence == ("no PT_INTERP", "no DT_NEEDED")
    assert evaluate("static", subject(PLAN9), {}).evidence == ("no needed library",)


@pytest.mark.parametrize(
    ("goos", "facts", "cause"),
    [
        ("darwin", MACHO, "a program on macOS calls the system through libSystem"),
        ("ios", MACHO, "a program on iOS calls the system through libSystem"),
        ("windows", PE, "a program on Windows calls the system through its DLLs"),
        ("openbsd", OPENBSD, "a program on OpenBSD calls the system through libc"),
        ("solaris", DYNAMIC, "a program on Solaris calls the system through libc"),
        ("illumos", DYNAMIC, "a program on illumos calls the system through libc"),
        ("aix", replace(DYNAMIC, format="xcoff"), "a program on AIX calls the system through libc.a"),
        ("android", ANDROID, "a program on Android is started by the system's loader"),
    ],
)
def test_where_no_program_is_static_the_message_says_so_and_names_self_contained(
    goos: str, facts: BinaryFacts, cause: str
) -> None:
    finding = evaluate("static", subject(facts, target=target(f"{goos}/arm64")), {})

    assert finding.outcome == "violated"
    assert finding.cause == (cause,)
    assert remedy_lines(finding) == ("none: no program is static there; check this target with self-contained instead",)


def test_without_a_target_the_format_tells_the_platform() -> None:
    assert evaluate("static", subject(MACHO, target=None), {}).cause == (
        "a program on macOS calls the system through libSystem",
    )


@pytest.mark.parametrize(
    ("facts", "cause", "remedy"),
    [
        (
            PIE,
            ("-buildmode=pie makes Go name an interpreter even without cgo",),
            (
                "build without -buildmode=pie",
                "or a static-pie, with a C compiler: CGO_ENABLED=1 -buildmode=pie "
                "-ldflags '-linkmode external -extldflags \"-static-pie\"'",
            ),
        ),
        (
            replace(PIE, target=target("freebsd/amd64")),
            ("-buildmode=pie makes Go name an interpreter even without cgo",),
            ("build without -buildmode=pie",),
        ),
        (
            IMPORT_DYNAMIC,
            ("//go:cgo_import_dynamic imports puts from libc.so.6 without cgo",),
            ("no flag: build without the package that has this directive (-ldflags=-d makes it a link error)",),
        ),
        (
            replace(DYNAMIC, cgo=Cgo(enabled=True, used=True, packages=("net", "os/user", "runtime/cgo"))),
            ("net, os/user use cgo: their wrappers are in the image, and runtime/cgo with them",),
            ("CGO_ENABLED=0, or -tags netgo,osusergo",),
        ),
        (
            replace(DYNAMIC, cgo=Cgo(enabled=True, used=True, packages=("runtime/cgo",))),
            ("runtime/cgo is linked in, by a package such as net or os/user whose cgo wrappers nothing reaches",),
            ("CGO_ENABLED=0, or -tags netgo,osusergo",),
        ),
        (
            replace(DYNAMIC, go=go(_buildmode="pie")),
            ("net uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            (
                "CGO_ENABLED=0, or -tags netgo",
                "and without -buildmode=pie, which names an interpreter by itself",
            ),
        ),
        (
            replace(DYNAMIC, link_mode="external"),
            ("net uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            (
                "CGO_ENABLED=0, without -linkmode external",
                "or link libc in: -tags netgo -ldflags '-linkmode external -extldflags \"-static\"'",
                'or link musl in: CC="zig cc -target x86_64-linux-musl" CGO_ENABLED=1 '
                "-ldflags '-linkmode external -extldflags \"-static\"'",
            ),
        ),
        (
            replace(OWN_C, go=go(_buildmode="pie"), target=target("linux/loong64")),
            ("main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            (
                "link libc in: -ldflags '-linkmode external -extldflags \"-static\"'",
                "or CGO_ENABLED=0, where main can do without cgo",
                "and without -buildmode=pie, which names an interpreter by itself",
            ),
        ),
        (
            replace(DYNAMIC, cgo=Cgo(used=True, packages=("runtime/cgo",)), go=go(_race="true")),
            ("-race links C code in, and runtime/cgo with it",),
            ("CGO_ENABLED=0, without -race, which needs cgo",),
        ),
        (
            replace(DYNAMIC, cgo=Cgo(used=True, packages=("runtime/cgo",)), go=go(_race="true"), link_mode="external"),
            ("-race links C code in, and runtime/cgo with it",),
            ("CGO_ENABLED=0, without -race, which needs cgo",),
        ),
        (
            replace(
                DYNAMIC,
                cgo=Cgo(used=True, packages=("runtime/cgo",)),
                go=go(_ldflags="-linkmode=external"),
                link_mode="external",
                target=target("linux/s390x"),
            ),
            ("-linkmode external links runtime/cgo in, though no package has cgo wrappers in the image",),
            (
                "CGO_ENABLED=0, without -linkmode external",
                "or link libc in: -ldflags '-linkmode external -extldflags \"-static\"'",
            ),
        ),
        (
            replace(
                DYNAMIC,
                cgo=Cgo(used=True, packages=("runtime/cgo",)),
                link_mode="external",
                target=target("freebsd/amd64"),
            ),
            (
                "runtime/cgo is linked in, though no package has cgo wrappers in the image: a package whose C has none "
                "(a constructor, a function's address), or -linkmode external, does it",
            ),
            (
                "CGO_ENABLED=0, without -linkmode external",
                "or link libc in: -ldflags '-linkmode external -extldflags \"-static\"'",
            ),
        ),
        (
            replace(DYNAMIC, cgo=Cgo(used=True, packages=("plugin", "runtime/cgo")), link_mode="external"),
            ("plugin uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            (
                "none for a program that opens plugins: a static one has no loader to open them with",
                "with CGO_ENABLED=0 package plugin builds, and plugin.Open always fails",
            ),
        ),
        (
            replace(
                DYNAMIC,
                cgo=Cgo(used=True, packages=("crypto/internal/boring", "net", "runtime/cgo")),
                target=None,
            ),
            ("crypto/internal/boring, net use cgo: their wrappers are in the image, and runtime/cgo with them",),
            (
                "no flag: BoringCrypto is C, and with CGO_ENABLED=0 the program silently does without it",
                "or link libc in: -tags netgo -ldflags '-linkmode external -extldflags \"-static\"'",
            ),
        ),
        (
            replace(DYNAMIC, cgo=Cgo(used=True, packages=("main", "runtime/cgo")), go=go(_race="true")),
            ("main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            (
                "link libc in: -ldflags '-linkmode external -extldflags \"-static\"'",
                'or link musl in: CC="zig cc -target x86_64-linux-musl" CGO_ENABLED=1 '
                "-ldflags '-linkmode external -extldflags \"-static\"'",
                "or CGO_ENABLED=0 without -race, where main can do without cgo",
            ),
        ),
        (
            replace(OWN_C, imports=symbols("dlopen"), go=None, cgo=Cgo(used=True, packages=("main", "runtime/cgo"))),
            ("main uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            ("link it with -static, or -static-pie",),
        ),
        (
            replace(OWN_C, imports=symbols("dlopen")),
            ("main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",),
            (
                "CGO_ENABLED=0, where main can do without cgo",
                "none else for C that calls dlopen: a static image has no loader to open libraries with",
            ),
        ),
        (
            SHARED,
            (
                "a shared library is loaded by another image, together with all that it needs",
                "net uses cgo: its wrappers are in the image, and runtime/cgo with them",
            ),
            ("a shared library cannot be static: build the program with it, or check it with only-needs",),
        ),
        (
            FOREIGN,
            ("Go did not make this image: its own linker line decides",),
            ("link it with -static, or -static-pie",),
        ),
        (replace(DYNAMIC, cgo=Cgo(used=False)), (), ()),
    ],
)
def test_the_cause_is_in_the_image_and_the_remedy_is_right_for_it(
    facts: BinaryFacts, cause: tuple[str, ...], remedy: tuple[str, ...]
) -> None:
    finding = evaluate("static", subject(facts), {})

    assert (finding.outcome, finding.cause, remedy_lines(finding)) == ("violated", cause, remedy)


@pytest.mark.parametrize(
    ("facts", "cause", "remedy"),
    [
        (GLIBC_STATIC, ("glibc is linked into the image",), ("build without -extldflags -static",)),
        (
            STATIC,
            ("runtime/cgo is not linked in",),
            ("CGO_ENABLED=1 with a C compiler, and a package that uses cgo",),
        ),
        (replace(STATIC, cgo=Cgo()), (), ()),
    ],
)
def test_a_violation_of_dynamic_says_why(facts: BinaryFacts, cause: tuple[str, ...], remedy: tuple[str, ...]) -> None:
    finding = evaluate("dynamic", subject(facts), {})

    assert (finding.expected, finding.cause, remedy_lines(finding)) == ("PT_INTERP or DT_NEEDED", cause, remedy)


@pytest.mark.parametrize(
    ("goos", "names"),
    [
        ("windows", ("KERNEL32.dll", "ucrtbase.dll", "msvcrt.dll", "api-ms-win-crt-heap-l1-1-0.dll", "WINSPOOL.DRV")),
        ("windows", ("ext-ms-win-ntuser-window-l1-1-0.dll", "bcryptprimitives.dll", "ws2_32.dll", "ADVAPI32")),
        ("darwin", ("/usr/lib/libSystem.B.dylib", "/usr/lib/swift/libswiftCore.dylib")),
        ("ios", ("/System/Library/Frameworks/CoreFoundation.framework/CoreFoundation",)),
        ("android", ("liblog.so", "libc.so", "libm.so", "libdl.so")),
        ("openbsd", ("libc.so.97.1", "libpthread.so", "libm.so.10.1")),
        ("freebsd", ("libthr.so.3", "libc.so.7")),
        ("netbsd", ("libpthread.so.1", "libc.so.12")),
        ("dragonfly", ("libpthread.so.0", "libc.so.8")),
        ("solaris", ("libsendfile.so", "libsocket.so", "libc.so")),
        ("illumos", ("libsocket.so.1", "libnsl.so.1", "libc.so.1")),
        ("aix", ("libc.a/shr_64.o", "libpthread.a/shr_xpg5_64.o")),
    ],
)
def test_a_system_s_own_libraries_are_self_contained(goos: str, names: tuple[str, ...]) -> None:
    facts = replace(MACHO, interpreter=None, needed=needed(*names), target=target(f"{goos}/amd64"))

    assert evaluate("self-contained", subject(facts), {}).outcome == "passed"


@pytest.mark.parametrize(
    ("goos", "name"),
    [
        ("windows", "libwinpthread-1.dll"),
        ("windows", "libstdc++-6.dll"),
        ("windows", "libgcc_s_seh-1.dll"),
        ("windows", "vcruntime140.dll"),
        ("windows", "msvcp140.dll"),
        ("windows", "ucrtbased.dll"),
        ("windows", "winspool.dll"),
        ("windows", "api-ms-win-../evil.dll"),
        ("darwin", "@rpath/libfoo.dylib"),
        ("darwin", "/opt/homebrew/lib/libpcap.dylib"),
        ("darwin", "/usr/local/lib/libfoo.dylib"),
        ("darwin", "/usr/lib/../local/lib/libfoo.dylib"),
        ("darwin", "/System/Library/Frameworks/../../../opt/evil"),
        ("darwin", "/System/Library/PrivateFrameworks/X.framework/X"),
        ("android", "libssl.so"),
        ("openbsd", "libssl.so.58.0"),
        ("freebsd", "libpcap.so.8"),
        ("aix", "libfoo.a"),
    ],
)
def test_anything_else_is_not(goos: str, name: str) -> None:
    facts = replace(MACHO, interpreter=None, needed=needed(name), target=target(f"{goos}/amd64"))
    finding = evaluate("self-contained", subject(facts), {})

    assert (finding.outcome, finding.observed) == ("violated", f"needs {name}")


def test_a_foreign_dll_is_shown_with_what_it_is_needed_for() -> None:
    finding = evaluate(
        "self-contained",
        subject(
            PE,
            needed=needed("kernel32.dll", "libwinpthread-1.dll", via="import directory"),
            imports=symbols(
                "pthread_create", "pthread_join", "pthread_self", "pthread_exit", library="libwinpthread-1.dll"
            ),
            cgo=Cgo(enabled=True, used=True, packages=("main", "runtime/cgo")),
        ),
        {},
    )

    assert finding.expected == "nothing but system DLLs of Windows 10 and later"
    assert finding.evidence == (
        "import directory libwinpthread-1.dll (pthread_create, pthread_join, pthread_self, … 1 more)",
    )
    assert finding.cause == (
        "main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",
    )
    assert remedy_lines(finding) == (
        "link the C compiler's own libraries in: -ldflags '-linkmode external -extldflags \"-static\"'",
    )


def test_a_loader_that_the_system_does_not_have_is_not_self_contained() -> None:
    finding = evaluate("self-contained", subject(OPENBSD, interpreter="/opt/ld.so"), {})

    assert (finding.outcome, finding.observed) == ("violated", "needs /opt/ld.so")
    assert finding.evidence == ("PT_INTERP /opt/ld.so",)
    assert remedy_lines(finding) == ("leave out the package that links to it, or link its static archive in",)


def test_a_loader_of_an_unlisted_system_is_unknown() -> None:
    finding = evaluate("self-contained", subject(MACHO, target=target("aix/ppc64"), needed=()), {})

    assert (finding.outcome, finding.observed) == ("violated", "needs /usr/lib/dyld")


def test_dlls_loaded_by_name_are_spoken_of_where_nothing_was_found() -> None:
    said = "DLLs that Go loads by name while the program runs stand in no import directory"

    assert said in evaluate("only-needs", subject(PE), {"libraries": "kernel32.dll"}).evidence
    assert evaluate("no-imports", subject(PE), {"symbols": "connect"}).evidence == ("2 imported symbols", said)
    assert evaluate("needs", subject(PE), {"libraries": "ws2_32.dll"}).cause == (said,)
    assert evaluate("only-needs", subject(PE, go=None), {"libraries": "kernel32.dll"}).evidence == (
        "import directory kernel32.dll (WriteFile, ExitProcess)",
    )


def test_only_needs_shows_the_others_alone() -> None:
    finding = evaluate("only-needs", subject(OWN_C), {"libraries": ["libc.so.6"]})

    assert finding.expected == "needs nothing but libc.so.6"
    assert finding.evidence == ("DT_NEEDED libm.so.6",)
    assert finding.cause == (
        "main (example.com/app) uses cgo: its wrappers are in the image, and runtime/cgo with them",
    )
    assert remedy_lines(finding) == ("CGO_ENABLED=0, where main can do without cgo",)


def test_many_needed_libraries_are_cut_with_a_count() -> None:
    names = [f"lib{number}.so" for number in range(15)]
    finding = evaluate("only-needs", subject(DYNAMIC, needed=needed(*names)), {"libraries": []})

    assert finding.observed == "needs lib0.so, lib1.so, lib2.so, lib3.so, lib4.so, lib5.so, … 9 more"
    assert finding.evidence[-2:] == ("DT_NEEDED lib11.so", "… 3 more")


@pytest.mark.parametrize(
    ("changes", "path", "cause", "remedy"),
    [
        ({}, "/opt/ld.so", (), ('-ldflags "-I /opt/ld.so"',)),
        (
            {"link_mode": "external"},
            "/opt/ld.so",
            (),
            ("-ldflags '-linkmode external -extldflags \"-Wl,--dynamic-linker=/opt/ld.so\"'",),
        ),
        (
            {},
            "/lib/ld-musl-x86_64.so.1",
            ("the image is linked to glibc",),
            ("link it to the libc that this loader belongs to",),
        ),
        (
            {"needed": ()},
            "/lib/ld-musl-x86_64.so.1",
            ("Go's linker names musl's loader where the build machine has only that one",),
            ('-ldflags "-I /lib/ld-musl-x86_64.so.1"',),
        ),
        ({"interpreter": None}, "/opt/ld.so", (), ()),
    ],
)
def test_another_interpreter_is_one_flag_away_unless_it_belongs_to_another_libc(
    changes: dict[str, Any], path: str, cause: tuple[str, ...], remedy: tuple[str, ...]
) -> None:
    finding = evaluate("interpreter", subject(DYNAMIC, **changes), {"path": path})

    assert (finding.outcome, finding.cause, remedy_lines(finding)) == ("violated", cause, remedy)


def test_no_interpreter_has_the_remedies_of_static() -> None:
    finding = evaluate("no-interpreter", subject(PIE), {})

    assert finding.expected == "no PT_INTERP"
    assert remedy_lines(finding) == remedy_lines(evaluate("static", subject(PIE), {}))
    assert remedy_lines(evaluate("no-interpreter", subject(MACHO), {})) == (
        "none: no program is static there; check this target with self-contained instead",
    )


def test_each_rpath_entry_is_shown_by_its_own_word() -> None:
    elf = evaluate("no-rpath", subject(DYNAMIC, rpath=("/a",), runpath=("$ORIGIN/lib",)), {})
    macho = evaluate("no-rpath", subject(MACHO, runpath=("@loader_path/lib",)), {})

    assert elf.evidence == ("DT_RPATH /a", "DT_RUNPATH $ORIGIN/lib")
    assert remedy_lines(elf) == (
        "build without -ldflags '-r …', and without -Wl,-rpath in CGO_LDFLAGS and #cgo LDFLAGS",
    )
    assert (macho.expected, macho.evidence) == ("no LC_RPATH", ("LC_RPATH @loader_path/lib",))


def test_imported_symbols_are_shown_with_library_and_version() -> None:
    found = evaluate("no-imports", subject(DYNAMIC), {"symbols": "get*"})
    bare = evaluate("imports", subject(IMPORT_DYNAMIC), {"symbols": "puts"})
    many = evaluate("no-imports", subject(DYNAMIC, imports=symbols(*"abcdefghij")), {"symbols": "*"})
    absent = evaluate("imports", subject(IMPORT_DYNAMIC), {"symbols": "gets"})
    nothing = evaluate("imports", subject(STATIC), {"symbols": "gets"})

    assert found.evidence == ("imports getaddrinfo from libc.so.6 (GLIBC_2.2.5)",)
    assert found.cause == ("net uses cgo: its wrappers are in the image, and runtime/cgo with them",)
    assert bare.evidence == ("imports puts",)
    assert many.evidence == ("imports a, b, c, d, e, f, … 4 more",)
    assert absent.evidence == ("1 imported symbol: puts",)
    assert nothing.evidence == ("0 imported symbols",)


def test_dynamic_imports_without_a_library_are_a_cause_too() -> None:
    facts = replace(IMPORT_DYNAMIC, cgo=Cgo(used=False, dynamic_imports=symbols("puts", "gets")))

    assert evaluate("static", subject(facts), {}).cause == ("//go:cgo_import_dynamic imports puts, gets without cgo",)


def test_the_highest_glibc_need_stands_beside_its_library_alone() -> None:
    evidence = evaluate("static", subject(DYNAMIC, needed=needed("libm.so.6", "libc.so.6")), {}).evidence

    assert evidence[1:] == ("DT_NEEDED libm.so.6", "DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)")


def test_a_dylib_is_shown_with_what_it_is_loaded_for() -> None:
    assert evaluate("static", subject(MACHO), {}).evidence == (
        "LC_LOAD_DYLINKER /usr/lib/dyld",
        "LC_LOAD_DYLIB /usr/lib/libSystem.B.dylib (getaddrinfo)",
        "LC_LOAD_DYLIB /usr/lib/libresolv.9.dylib",
    )


def test_only_the_dynamic_imports_at_issue_are_a_cause() -> None:
    every = (
        *symbols("getaddrinfo", "exit", library="/usr/lib/libSystem.B.dylib"),
        *symbols("pcap_open", library="/opt/lib/libpcap.dylib"),
    )
    facts = replace(
        MACHO,
        needed=needed("/usr/lib/libSystem.B.dylib", "/opt/lib/libpcap.dylib", via="LC_LOAD_DYLIB"),
        imports=every,
        cgo=Cgo(used=False, dynamic_imports=every),
    )

    assert evaluate("no-imports", subject(facts), {"symbols": "getaddrinfo"}).cause == (
        "//go:cgo_import_dynamic imports getaddrinfo from /usr/lib/libSystem.B.dylib without cgo",
    )
    assert evaluate("self-contained", subject(facts), {}).cause == (
        "//go:cgo_import_dynamic imports pcap_open from /opt/lib/libpcap.dylib without cgo",
    )


def test_what_is_needed_is_the_evidence_of_needs_and_without_a_library_that_there_is_none() -> None:
    assert evaluate("needs", subject(DYNAMIC), {"libraries": "libm.so.6"}).evidence == (
        "DT_NEEDED libc.so.6 (needs GLIBC_2.34: pthread_create)",
    )
    assert evaluate("needs", subject(STATIC), {"libraries": "libm.so.6"}).evidence == ("no DT_NEEDED",)


def test_six_imports_are_shown_and_the_rest_counted() -> None:
    names = tuple(f"own_{number}" for number in range(7))
    six, seven = (
        evaluate("no-imports", subject(DYNAMIC, imports=symbols(*some)), {"symbols": "own_*"}).evidence
        for some in (names[:6], names)
    )

    assert six == (f"imports {', '.join(names[:6])}",)
    assert seven == (f"{six[0]}, … 1 more",)


@pytest.mark.parametrize(
    ("port", "host", "words"),
    [
        ("js/wasm", "gojs", "the host module gojs, which Go's wasm_exec.js provides"),
        ("wasip1/wasm", "wasi_snapshot_preview1", "the host module wasi_snapshot_preview1, which a WASI host provides"),
    ],
)
def test_a_module_needs_the_host_of_its_port(port: str, host: str, words: str, go_sample: GoSample) -> None:
    facts = go_sample("static", target=port).facts

    contained = evaluate("self-contained", subject(facts), {})
    static = evaluate("static", subject(facts), {})
    other = evaluate("self-contained", subject(facts, needed=needed(host, "env", via="import section")), {})

    assert (contained.outcome, contained.expected) == ("passed", f"nothing but {words}")
    assert (other.outcome, other.observed) == ("violated", "needs env")
    assert (static.outcome, static.evidence) == ("violated", (f"import section {host}",))
    assert remedy_lines(static) == ("none: no program is static there; check this target with self-contained instead",)
