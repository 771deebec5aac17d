from __future__ import annotations

import pytest

from pytest_golink.golang import Functions
from pytest_golink.golang.cgo import cgo_packages, cgo_used, cgo_witnesses, resolvers, unescape


def functions(*names: str) -> Functions:
    return Functions("".join(f"{name}\0" for name in names).encode())


def packages(*names: str, in_order: tuple[str, ...] | None = None) -> tuple[str, ...]:
    return cgo_packages(functions(*names), lambda: names if in_order is None else in_order)


def test_the_wrappers_of_calls_name_their_packages() -> None:
    assert packages(
        "_cgo_topofstack", "main.main", "net._C2func_getaddrinfo", "net._Cfunc_free", "example.com/x/y._Cmacro_EOF"
    ) == ("example.com/x/y", "net", "runtime/cgo")


def test_the_names_of_c_code_that_go_linked_itself_are_no_packages() -> None:
    assert packages("_cgo_topofstack", "_cgo_77133bf98b3a_Cfunc_free", "x_cgo_init") == ("runtime/cgo",)


def test_package_paths_come_out_as_they_are_written_in_source() -> None:
    assert packages("gopkg.in/yaml%2ev3._Cfunc_f") == ("gopkg.in/yaml.v3",)
    assert unescape("a%25b%2ec") == "a%b.c"


@pytest.mark.parametrize("name", ["main.main._Cfunc_f.func1", "main.F[main._Cfunc_x]", "type:.eq.main._Cfunc_x"])
def test_a_name_with_a_wrappers_name_inside_it_is_no_wrapper(name: str) -> None:
    assert packages(name) == ()


def test_an_exported_function_is_of_the_package_that_has_a_function_of_its_name() -> None:
    assert packages("_cgo_topofstack", "_cgoexp_44affd562ae2_Answer", "example.com/x.Answer", "main.main") == (
        "example.com/x",
        "runtime/cgo",
    )
    assert packages("_cgoexp_44affd562ae2_Answer", "example.com/x.(*T).Answer") == ("example.com/x",)


def test_of_several_packages_with_such_a_function_the_nearest_is_it() -> None:
    assert packages("far.Close", "a.F", "b.F", "_cgoexp_0a_Close", "near.Close", "main.main") == ("near",)


def test_an_exported_function_that_left_nothing_else_is_told_by_its_neighbours_if_they_agree() -> None:
    export = "_cgoexp_2e112fff1364_Answer"

    assert packages("a.F", "main.main", export, "go:textend") == ("main",)
    assert packages("main.F", export, "_cgoexp_2e112fff1364_Other", "main.main") == ("main",)
    assert packages("a.F", export, "main.main") == ()
    assert packages(export) == ()


def test_of_two_exported_functions_only_the_one_that_left_nothing_is_told_by_its_neighbours() -> None:
    assert packages("a.F", "_cgoexp_0a_One", "a.One", "b.F", "_cgoexp_0b_Two", "go:end") == ("a", "b")


def test_a_function_that_is_not_exported_names_no_package() -> None:
    # Cgo's hash is not among its names: "" is the export of none of them.
    assert packages("a.", "b.F", "_cgoexp_0a_F") == ("b",)


def test_runtime_cgo_is_linked_in_where_c_can_call_its_function() -> None:
    assert cgo_used(functions("_cgo_topofstack"))
    assert not cgo_used(functions("runtime.cgocall", "main._cgo_topofstack"))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ((), ("none",)),
        (("net.ParseCIDR", "net.(*Resolver).lookup.func1"), ("none",)),
        (("net.(*Resolver).goLookupIPCNAMEOrder",), ("go",)),
        (("net.(*Resolver).exchange",), ("go",)),
        (("net._C2func_getaddrinfo", "net.(*Resolver).tryOneName"), ("cgo", "go")),
        (("net._Cfunc_res_search",), ("cgo",)),
        (("net._C2func_getnameinfo",), ("cgo",)),
        (("internal/syscall/unix.libc_getaddrinfo_trampoline",), ("system",)),
        (("internal/syscall/unix.libresolv_res_9_nsearch_trampoline",), ("system",)),
        (("internal/syscall/unix.libc_getaddrinfo_trampoline", "_cgo_topofstack"), ("system",)),
        (("syscall.GetAddrInfoW",), ("windows",)),
        (("syscall._DnsQuery", "net.(*Resolver).exchange"), ("go", "windows")),
        (("main._C2func_getaddrinfo", "example.com/net._Cfunc_getaddrinfo"), ("none",)),
    ],
)
def test_a_resolver_is_linked_in_where_its_functions_are(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert resolvers(functions(*names), "elf", ()) == found


def test_plan_9_asks_its_connection_server_and_other_systems_do_not() -> None:
    assert resolvers(functions("net.queryDNS"), "plan9", ()) == ("system",)
    assert resolvers(functions("net.queryDNS"), "elf", ()) == ("none",)


def test_getaddrinfo_imported_without_cgo_is_the_systems_resolver_on_macos_alone() -> None:
    assert resolvers(functions(), "macho", {"getaddrinfo"}) == ("system",)
    assert resolvers(functions("_cgo_topofstack"), "macho", {"getaddrinfo"}) == ("none",)
    assert resolvers(functions(), "elf", {"getaddrinfo"}) == ("none",)


IMPORTS = ("pthread_attr_getstacksize", "pthread_create", "pthread_sigmask", "puts")


@pytest.mark.parametrize(
    ("names", "imports", "symbols", "found"),
    [
        ((), IMPORTS, (), 1),
        ((), (), ("main.main", "x_cgo_init"), 1),
        ((), IMPORTS, ("x_cgo_init",), 2),
        ((), IMPORTS[1:], ("_cgo_init",), 0),
        # purego, whose own runtime/cgo is Go.
        (("github.com/ebitengine/purego/internal/fakecgo.x_cgo_init",), IMPORTS, ("x_cgo_init",), 0),
    ],
)
def test_runtime_cgo_shows_beside_its_name(
    names: tuple[str, ...], imports: tuple[str, ...], symbols: tuple[str, ...], found: int
) -> None:
    assert len(cgo_witnesses(functions(*names), imports, lambda: symbols)) == found
