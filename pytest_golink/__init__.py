"""
Linkage policy for Go binaries, as tests.

The public names are loaded when they are first used: a run that uses none of them does not pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_golink.assertions import (
        assert_build_setting,
        assert_claims_hold,
        assert_cpu_at_most,
        assert_dynamic,
        assert_fips,
        assert_glibc_at_most,
        assert_go_version,
        assert_imports,
        assert_intact,
        assert_interpreter,
        assert_launches_on_macos,
        assert_linkmode,
        assert_max_size,
        assert_needs,
        assert_needs_libc,
        assert_no_build_paths,
        assert_no_cgo,
        assert_no_dwarf,
        assert_no_dynamic_imports,
        assert_no_getaddrinfo_warning,
        assert_no_imports,
        assert_no_instrumentation,
        assert_no_interpreter,
        assert_no_libc,
        assert_no_link_warnings,
        assert_no_modules,
        assert_no_rpath,
        assert_no_writable_code,
        assert_not_stripped,
        assert_nx,
        assert_only_cgo_packages,
        assert_only_needs,
        assert_os_at_most,
        assert_page_alignment,
        assert_pie,
        assert_relro,
        assert_resolver,
        assert_self_contained,
        assert_signed,
        assert_static,
        assert_stripped,
        assert_target,
        assert_user_lookup,
        assert_vcs_clean,
    )
    from pytest_golink.build import BuildOptions, GoBinary
    from pytest_golink.errors import (
        BuildError,
        GolinkError,
        ParameterError,
        PolicyViolation,
        ReaderDisagreement,
        ToolchainError,
        UnreadableBinaryError,
    )
    from pytest_golink.facts import (
        BinaryFacts,
        BuildPath,
        Cgo,
        Content,
        CpuLevel,
        CryptoModule,
        Hardening,
        ImportedSymbol,
        Libc,
        LinkWarning,
        MachO,
        Module,
        NeededLibrary,
        ProgramHeader,
        Target,
        VersionNeed,
    )
    from pytest_golink.findings import Finding
    from pytest_golink.fixtures import GoBuild, GoSample
    from pytest_golink.reader import read_binaries, read_binary
    from pytest_golink.toolchain import CCompiler, GoToolchain

__all__ = [
    "BinaryFacts",
    "BuildError",
    "BuildOptions",
    "BuildPath",
    "CCompiler",
    "Cgo",
    "Content",
    "CpuLevel",
    "CryptoModule",
    "Finding",
    "GoBinary",
    "GoBuild",
    "GoSample",
    "GoToolchain",
    "GolinkError",
    "Hardening",
    "ImportedSymbol",
    "Libc",
    "LinkWarning",
    "MachO",
    "Module",
    "NeededLibrary",
    "ParameterError",
    "PolicyViolation",
    "ProgramHeader",
    "ReaderDisagreement",
    "Target",
    "ToolchainError",
    "UnreadableBinaryError",
    "VersionNeed",
    "assert_build_setting",
    "assert_claims_hold",
    "assert_cpu_at_most",
    "assert_dynamic",
    "assert_fips",
    "assert_glibc_at_most",
    "assert_go_version",
    "assert_imports",
    "assert_intact",
    "assert_interpreter",
    "assert_launches_on_macos",
    "assert_linkmode",
    "assert_max_size",
    "assert_needs",
    "assert_needs_libc",
    "assert_no_build_paths",
    "assert_no_cgo",
    "assert_no_dwarf",
    "assert_no_dynamic_imports",
    "assert_no_getaddrinfo_warning",
    "assert_no_imports",
    "assert_no_instrumentation",
    "assert_no_interpreter",
    "assert_no_libc",
    "assert_no_link_warnings",
    "assert_no_modules",
    "assert_no_rpath",
    "assert_no_writable_code",
    "assert_not_stripped",
    "assert_nx",
    "assert_only_cgo_packages",
    "assert_only_needs",
    "assert_os_at_most",
    "assert_page_alignment",
    "assert_pie",
    "assert_relro",
    "assert_resolver",
    "assert_self_contained",
    "assert_signed",
    "assert_static",
    "assert_stripped",
    "assert_target",
    "assert_user_lookup",
    "assert_vcs_clean",
    "read_binaries",
    "read_binary",
]

# The module of each name; those of the assertions follow their prefix.
_HOME = {
    "BuildOptions": "build",
    "GoBinary": "build",
    "BuildError": "errors",
    "GolinkError": "errors",
    "ParameterError": "errors",
    "PolicyViolation": "errors",
    "ReaderDisagreement": "errors",
    "ToolchainError": "errors",
    "UnreadableBinaryError": "errors",
    "BinaryFacts": "facts",
    "BuildPath": "facts",
    "Cgo": "facts",
    "Content": "facts",
    "CryptoModule": "facts",
    "CpuLevel": "facts",
    "Hardening": "facts",
    "ImportedSymbol": "facts",
    "Libc": "facts",
    "LinkWarning": "facts",
    "MachO": "facts",
    "Module": "facts",
    "NeededLibrary": "facts",
    "ProgramHeader": "facts",
    "Target": "facts",
    "VersionNeed": "facts",
    "Finding": "findings",
    "GoBuild": "fixtures",
    "GoSample": "fixtures",
    "read_binaries": "reader",
    "read_binary": "reader",
    "CCompiler": "toolchain",
    "GoToolchain": "toolchain",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOME.get(name, 'assertions')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
