"""
Debian's suites as root folders: packages unpacked side by side, without touching the system.

Nothing of them is installed or run here: dpkg-deb unpacks, and no maintainer script is called.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.slow.matrix.fetch_go import _KEY, _debian_mirror

if TYPE_CHECKING:
    from pathlib import Path

SUITES = ("bullseye", "bookworm", "trixie", "sid")
# The base image, debootstrap's minbase: what is essential or required, and apt, with what they depend on.
MINBASE = ("minbase",)
# Where a dependency can be met by two packages, the one that the image has.
_CHOSEN = {"bookworm": ("usr-is-merged",)}
# The suite whose image has a /lib of its own; later ones have links to /usr.
# Source: debuerreotype: examples/debian.sh.
_UNMERGED = "bullseye"
# Debian's words for Go's architectures.
ARCHITECTURES = {
    "386": "i386",
    "amd64": "amd64",
    "arm": "armhf",
    "arm64": "arm64",
    "mips64le": "mips64el",
    "ppc64le": "ppc64el",
    "riscv64": "riscv64",
    "s390x": "s390x",
}
# Loaders that Debian keeps where no directory of a usrmerged root leads.
_TOP = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
_APT_S = 600


def root_of(folder: Path, suite: str, goarch: str, packages: tuple[str, ...]) -> Path:
    """
    Return a root folder that holds these packages of a suite, made once; MINBASE with all that they depend on.

    Raises:
        subprocess.CalledProcessError: apt cannot reach or verify the suite.
    """
    architecture = ARCHITECTURES[goarch]
    root = folder / f"{suite}-{architecture}-{'-'.join(packages)}"
    if root.is_dir():
        return root
    making = root.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for name in _TOP if suite != _UNMERGED else ():
        # A package of an older suite names /lib, one of a newer /usr/lib.
        (making / "usr" / name).mkdir(parents=True)
        (making / name).symlink_to(f"usr/{name}")
    for package in _downloaded(folder, suite, architecture, packages):
        _unpack(package, making)
    making.rename(root)
    return root


def _unpack(package: Path, root: Path) -> None:
    # dpkg-deb -x would put a directory in the place of the link /lib; tar keeps the link.
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as tar:
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", str(root)], stdin=tar.stdout, check=True)
    if tar.returncode:
        raise subprocess.CalledProcessError(tar.returncode, tar.args)


def _downloaded(folder: Path, suite: str, architecture: str, packages: tuple[str, ...]) -> list[Path]:
    state = folder / f"apt-{suite}-{architecture}"
    environment = apt(state, suite, architecture)
    if packages == MINBASE:
        # The state knows no installed package: all are fetched, and none is installed.
        chosen = ["?essential", "?priority(required)", "apt", *_CHOSEN.get(suite, ())]
        # What was fetched for another choice does not count.
        into = state / "minbase"
        shutil.rmtree(into, ignore_errors=True)
        (into / "partial").mkdir(parents=True)
        command = ["apt-get", "install", "-qq", "--yes", "--download-only", "--no-install-recommends"]
        command += ["-o", f"Dir::Cache::archives={into}", *chosen]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=_APT_S)
        return sorted(into.glob("*.deb"))
    into = state / "packages"
    into.mkdir(exist_ok=True)
    for package in packages:
        if not list(into.glob(f"{package}_*.deb")):
            command = ["apt-get", "download", "-qq", package]
            subprocess.run(command, check=True, cwd=into, env=environment, capture_output=True, timeout=_APT_S)
    return [next(into.glob(f"{package}_*.deb")) for package in packages]


def apt(state: Path, suite: str, architecture: str) -> dict[str, str]:
    """Return an environment in which apt knows only that suite and architecture, with its own state."""
    for part in ("lists/partial", "cache/archives/partial", "preferences.d"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [arch={architecture} signed-by={_KEY}] {_debian_mirror()} {suite} main\n")
    (state / "apt.conf").write_text(
        f'Dir::State "{state}"; Dir::State::status "{state}/status"; Dir::State::lists "{state}/lists";\n'
        f'Dir::Cache "{state}/cache"; Dir::Etc::sourcelist "{state}/sources.list"; Dir::Etc::sourceparts "/dev/null";\n'
        f'Dir::Etc::preferencesparts "{state}/preferences.d"; APT::Architecture "{architecture}";\n'
        f'APT::Architectures "{architecture}"; APT::Sandbox::User "root"; Acquire::Languages "none";\n'
        'Acquire::Retries "3";\n'
    )
    environment = {**os.environ, "APT_CONFIG": str(state / "apt.conf")}
    if not list((state / "lists").glob("*Packages*")):
        command = ["apt-get", "update", "-qq"]
        subprocess.run(command, check=True, env=environment, capture_output=True, timeout=_APT_S)
    return environment


def version_of(folder: Path, suite: str, goarch: str, package: str) -> str:
    """The upstream version of a package that was unpacked, or is now: "2.36" of "2.36-9+deb12u10"."""
    architecture = ARCHITECTURES[goarch]
    (file,) = _downloaded(folder, suite, architecture, (package,))
    text = subprocess.run(["dpkg-deb", "-f", str(file), "Version"], check=True, capture_output=True, text=True).stdout
    return text.strip().partition("-")[0].partition("+")[0]
