"""
What the samples' images must look like: the main job of `make report`, and an example of what a team writes.

Run it with `pytest sample_go --golink-report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink import (
    assert_dynamic,
    assert_linkmode,
    assert_needs,
    assert_needs_libc,
    assert_no_cgo,
    assert_no_getaddrinfo_warning,
    assert_no_libc,
    assert_only_cgo_packages,
    assert_resolver,
    assert_self_contained,
    assert_static,
    assert_stripped,
    assert_target,
)

if TYPE_CHECKING:
    from pytest_golink import GoBinary, GoSample

RELEASE_TARGETS = ("linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64")


@pytest.mark.golink(package="sample_go/static", ldflags="-s -w", trimpath=True)
def test_release_is_static(go_binary: GoBinary) -> None:
    assert_static(go_binary)
    assert_no_libc(go_binary)
    assert_stripped(go_binary)


@pytest.mark.parametrize("target", RELEASE_TARGETS)
def test_every_target_is_self_contained(go_sample: GoSample, target: str) -> None:
    binary = go_sample("lookup", target=target, cgo=False, ldflags="-s -w")

    assert_target(binary, targets=[target])
    assert_self_contained(binary)
    assert_no_cgo(binary)


@pytest.mark.golink(package="sample_go/net", cgo=True)
def test_net_needs_libc_where_cgo_is_on(go_binary: GoBinary) -> None:
    assert_dynamic(go_binary)
    assert_needs_libc(go_binary, kind="glibc")
    assert_only_cgo_packages(go_binary, packages=["net"])


@pytest.mark.golink(package="sample_go/lookup", cgo=True, tags=["netgo"])
def test_netgo_looks_names_up_without_libc(go_binary: GoBinary) -> None:
    assert_static(go_binary)
    assert_resolver(go_binary, kind="go")
    assert_no_getaddrinfo_warning(go_binary)


@pytest.mark.golink(package="sample_go/users", cgo=True, tags=["osusergo"], linkmode="external", extldflags="-static")
def test_osusergo_reads_users_without_libc(go_binary: GoBinary) -> None:
    assert_static(go_binary)
    assert_no_getaddrinfo_warning(go_binary)


@pytest.mark.golink(package="sample_go/cgo", cgo=True)
def test_c_of_our_own_is_linked_by_the_c_linker(go_binary: GoBinary) -> None:
    assert_linkmode(go_binary, mode="external")
    assert_needs(go_binary, libraries=["libm.so.6", "libc.so.6"])


@pytest.mark.golink(package="sample_go/importdynamic", cgo=False)
def test_an_import_without_cgo_is_dynamic(go_binary: GoBinary) -> None:
    assert_dynamic(go_binary)
    assert_no_cgo(go_binary)
