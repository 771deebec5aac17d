"""A package of rpmbuild, whose header and payload agree, is read. Run by `make unpackers`."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.archives.test_rpm_header import WHOLE, contents

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """
Name: a
Version: 1
Release: 1
Summary: a
License: a
BuildArch: noarch
AutoReqProv: no
%description
%install
mkdir -p %{buildroot}/usr/bin
printf program > %{buildroot}/usr/bin/app
ln -s app %{buildroot}/usr/bin/link
ln %{buildroot}/usr/bin/app %{buildroot}/usr/bin/same
touch %{buildroot}/usr/bin/ghost
%files
%defattr(0755, root, root)
/usr/bin/app
/usr/bin/link
/usr/bin/same
%ghost /usr/bin/ghost
"""


def test_a_package_of_rpmbuild_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.spec").write_text(SPEC)
    defines = [f"_topdir {tmp_path}", f"_rpmdir {tmp_path}", "_build_id_links none", "__os_install_post %{nil}"]
    words = [word for define in [*defines, "_rpmfilename b.rpm"] for word in ("--define", define)]
    subprocess.run(["rpmbuild", "-bb", "--quiet", *words, str(tmp_path / "a.spec")], check=True, capture_output=True)

    assert contents(tmp_path, (tmp_path / "b.rpm").read_bytes()) == WHOLE
