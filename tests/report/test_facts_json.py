"""The public JSON of a fact sheet."""

from __future__ import annotations

import json
from dataclasses import replace
from types import MappingProxyType

from pytest_golink.facts import BuildInfo, DlopenNote, Elf, MachO, Module, Pe, SignatureContent
from pytest_golink.report.facts_json import facts_json
from tests.rules.facts_factory import ARCHIVE, DYNAMIC, IMPORT_DYNAMIC, LOADED, MACHO, go

MODULES = BuildInfo(
    version="go1.27.3",
    path="example.com/app/cmd",
    module=Module(path="example.com/app", version="(devel)"),
    modules=(
        Module(
            path="example.com/a",
            version="v1.0.0",
            replace=Module(path="example.com/fork", version="v1.0.1", sum="h1:abc="),
        ),
        Module(path="example.com/b", version="v2.0.0", sum="h1:def="),
    ),
    settings=MappingProxyType({"CGO_ENABLED": "1", "GOOS": "linux"}),
)


def test_every_key_stands_in_the_design_s_order() -> None:
    assert json.dumps(facts_json(replace(DYNAMIC, go=MODULES))) == (
        '{"schema": 1, "path": "build/app", "size": 1500000, "format": "elf", "kind": "executable", '
        '"target": "linux/amd64", "linkage": "dynamic", "needs_loader_only": false, '
        '"interpreter": "/lib64/ld-linux-x86-64.so.2", "needed": [{"name": "libc.so.6", "via": "DT_NEEDED"}], '
        '"rpath": [], "runpath": [], "imports": [{"name": "getaddrinfo", "library": "libc.so.6", '
        '"version": "GLIBC_2.2.5"}, {"name": "pthread_create", "library": "libc.so.6", "version": "GLIBC_2.34"}], '
        '"libc": {"kind": "glibc", "presence": "dynamic", "floor": "2.34", "floor_symbols": ["pthread_create"]}, '
        '"cgo": {"enabled": true, "used": true, "packages": ["net", "runtime/cgo"], "calls": {}, '
        '"dynamic_imports": [], "witnesses": [], "from_source": null, "source_error": ""}, '
        '"link_mode": "internal", "resolver": ["cgo", "go"], "static_name_service": [], "symtab": true, '
        '"dwarf": true, "stripped": false, "hardening": {"pie": false, "nx": true, "relro": "none", '
        '"writable_code": false, "textrel": null}, "os_minimum": null, "signed": null, "go": {"version": "go1.27.3", '
        '"path": "example.com/app/cmd", "module": {"path": "example.com/app", "version": "(devel)"}, '
        '"modules": [{"path": "example.com/a", "version": "v1.0.0", "replace": {"path": "example.com/fork", '
        '"version": "v1.0.1", "sum": "h1:abc="}}, {"path": "example.com/b", "version": "v2.0.0", '
        '"sum": "h1:def="}], "settings": {"CGO_ENABLED": "1", "GOOS": "linux"}}, '
        '"content": {"pclntab": null, "startup": null, "user_lookup": null, "instrumentation": null, "crypto": null, '
        '"importers": null, "build_paths": null, "packed": null, "damage": null}, "cpu": [], '
        '"program_headers": [], "macho": null, '
        '"symtab_size": null, "dwarf_size": null, "soname": null, "exports": null, "signature": null, "elf": null, '
        '"pe": null, "version_needs": [{"library": "libc.so.6", "version": "GLIBC_2.2.5", "weak": false}, '
        '{"library": "libc.so.6", "version": "GLIBC_2.34", "weak": false}]}'
    )


def test_what_the_format_does_not_have_is_null() -> None:
    sheet = facts_json(replace(ARCHIVE, target=None))

    for key in ("target", "linkage", "needs_loader_only", "rpath", "runpath", "link_mode", "resolver", "go"):
        assert sheet[key] is None
    assert (sheet["symtab"], sheet["dwarf"], sheet["stripped"]) == (None, None, None)
    assert sheet["cgo"] == {
        "enabled": None,
        "used": None,
        "packages": [],
        "calls": {},
        "dynamic_imports": [],
        "witnesses": [],
        "from_source": None,
        "source_error": "",
    }
    assert sheet["hardening"] == {"pie": None, "nx": None, "relro": None, "writable_code": None, "textrel": None}
    assert (sheet["soname"], sheet["exports"], sheet["signature"], sheet["elf"], sheet["pe"]) == (None,) * 5


def test_a_slice_names_itself_and_nothing_else_has_the_key() -> None:
    assert facts_json(replace(MACHO, slice="arm64"))["slice"] == "arm64"
    assert "slice" not in facts_json(MACHO)


def test_imports_without_cgo_have_their_own_list_and_no_build_info_is_null() -> None:
    sheet = facts_json(replace(IMPORT_DYNAMIC, go=BuildInfo()))

    assert sheet["cgo"]["dynamic_imports"] == [{"name": "puts", "library": "libc.so.6", "version": None}]
    assert sheet["go"] == {"version": None, "path": None, "module": None, "modules": [], "settings": {}}


def test_cpu_levels_program_headers_and_what_only_mach_o_has() -> None:
    loaded = facts_json(replace(LOADED, go=go(GOAMD64="v2"), symtab_size=10, dwarf_size=0))
    apple = facts_json(replace(MACHO, macho=MachO(platform="macos", sdk="26.2", uuid="FEC0")))

    assert loaded["cpu"] == [{"setting": "GOAMD64", "level": "v2", "via": "build setting"}]
    assert loaded["program_headers"] is not None
    assert loaded["program_headers"][0] == {
        "type": "PT_LOAD",
        "flags": "r-x",
        "offset": 0,
        "address": 0x400000,
        "memory_size": 0x99F41,
        "alignment": 0x1000,
    }
    assert (loaded["macho"], loaded["symtab_size"], loaded["dwarf_size"]) == (None, 10, 0)
    assert apple["macho"] == {
        "platform": "macos",
        "sdk": "26.2",
        "uuid": "FEC0",
        "code_flags": None,
        "entitlements": [],
        "restricted": False,
        "environment": [],
        "hardened_runtime": None,
    }
    assert apple["program_headers"] is None


def test_what_only_elf_and_only_pe_have_and_the_signature() -> None:
    note = DlopenNote(sonames=("libz.so.1",), priority="required", feature="zlib")
    elf = Elf(relr=True, tls_alignment=64, kernel_minimum="3.2.0", dlopen=(note,), crashes=("no entry point",))
    sheet = facts_json(replace(DYNAMIC, elf=elf, soname="libapp.so", exports=("answer",)))
    signature = SignatureContent(kind="authenticode", valid=False, problem="changed")
    windows = facts_json(replace(DYNAMIC, pe=Pe(subsystem="gui", high_entropy_va=True), signature=signature))

    assert (sheet["soname"], sheet["exports"]) == ("libapp.so", ["answer"])
    assert sheet["elf"] == {
        "relr": True,
        "static_tls": False,
        "tls_alignment": 64,
        "kernel_minimum": "3.2.0",
        "dlopen": [{"sonames": ["libz.so.1"], "priority": "required", "feature": "zlib", "description": None}],
        "crashes": ["no entry point"],
    }
    damaged = facts_json(replace(DYNAMIC, elf=Elf(dlopen=None)))["elf"]
    assert damaged is not None
    assert damaged["dlopen"] is None
    assert windows["pe"] == {"subsystem": "gui", "control_flow_guard": False, "high_entropy_va": True}
    assert windows["signature"] == {"kind": "authenticode", "valid": False, "problem": "changed"}
