"""
Linkage policy for Go binaries, as tests.

The public names are loaded when they are first used: a run that uses none of them does not pay for them. __init__.pyi
has the same names for type checkers.
"""

# The public names of each module, and beside them every `assert_` helper of assertions.py.
_PUBLIC = {
    "builder": ("BuildOptions",),
    "errors": (
        "BuildError",
        "GolinkError",
        "ParameterError",
        "PolicyViolation",
        "ReaderDisagreement",
        "ToolchainError",
        "UnreadableBinaryError",
    ),
    "facts": (
        "BinaryFacts",
        "BuildPath",
        "Cgo",
        "Content",
        "CpuLevel",
        "CryptoModule",
        "Hardening",
        "ImportedSymbol",
        "Libc",
        "LinkWarning",
        "MachO",
        "Module",
        "NeededLibrary",
        "ProgramHeader",
        "Target",
        "VersionNeed",
    ),
    "findings": ("Finding",),
    "fixtures": (
        "GoBuild",
        "GoSample",
    ),
    "gobinary": ("GoBinary",),
    "reader": (
        "read_binaries",
        "read_binary",
    ),
    "toolchain": (
        "CCompiler",
        "GoToolchain",
    ),
    "warnings": (
        "GolinkDeprecationWarning",
        "GolinkWarning",
    ),
}
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}
_HELPER = "assert_"


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name == "__all__":
        return __dir__()
    home = "assertions" if name.startswith(_HELPER) else _HOME.get(name)
    value: object = getattr(import_module(f"{__name__}.{home}"), name, None) if home else None
    if value is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    from pytest_golink import assertions

    return sorted([*_HOME, *(name for name in vars(assertions) if name.startswith(_HELPER))])
