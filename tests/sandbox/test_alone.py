"""Programs that are run apart from the machine: what they see, how they end, what ends them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import SandboxError
from pytest_golink.sandbox import alone, run_alone
from tests.sandbox.programs import compiled

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEES = """
for (int i = 0; i < 256; i++) if (fcntl(i, F_GETFD) >= 0) printf("fd %d\\n", i);
for (int i = 0; i < argc; i++) printf("arg %s\\n", argv[i]);
for (char **e = environ; *e; e++) printf("env %s\\n", *e);
DIR *root = opendir("/"); struct dirent *entry;
while ((entry = readdir(root))) if (entry->d_name[0] != '.') printf("file %s\\n", entry->d_name);
printf("writes %d\\n", open("/mine", O_CREAT | O_WRONLY, 0600) >= 0 || open("/program", O_WRONLY) >= 0);
struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}};
int s = socket(AF_INET, SOCK_STREAM, 0);
printf("connects %s\\n", connect(s, (void *) &to, sizeof to) ? strerror(errno) : "yes");
printf("root %d, init %d\\n", getuid() == 0, getpid() == 1);
printf("blind to others %d\\n", kill(2, 0) == 0 && kill(3, 0) != 0);
"""


def test_a_program_sees_itself_and_nothing_else(tmp_path: Path) -> None:
    ran = run_alone(compiled(tmp_path, _SEES), arguments=["--x", "y z"], seconds=30)

    assert ran.output.splitlines() == [
        "fd 0",
        "fd 1",
        "fd 2",
        "arg /program",
        "arg --x",
        "arg y z",
        "file program",
        "writes 0",
        "connects Network is unreachable",
        "root 0, init 0",
        "blind to others 1",
    ]
    assert (ran.status, ran.refused, ran.errors) == (0, None, "")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("return 7;", 7),
        ("abort();", 134),
        ("*(volatile int *) 0 = 1;", 139),
        # The first process of a namespace would not hear it.
        ("raise(SIGTERM); return 3;", 143),
        ("signal(SIGPIPE, SIG_DFL); raise(SIGPIPE); return 3;", 141),
        ("raise(SIGINT); return 3;", 130),
    ],
    ids=["exit", "abort", "crash", "SIGTERM", "SIGPIPE", "SIGINT"],
)
def test_its_end_is_told_as_a_shell_tells_it(body: str, status: int, tmp_path: Path) -> None:
    assert run_alone(compiled(tmp_path, body), seconds=30).status == status


def test_signals_that_are_ignored_here_are_not_ignored_there(tmp_path: Path) -> None:
    program = compiled(tmp_path, "raise(SIGHUP); return 3;")
    script = (
        "import sys; from pathlib import Path; from pytest_golink.sandbox import run_alone; "
        "print(run_alone(Path(sys.argv[1]), seconds=30).status)"
    )
    # As nohup leaves it.
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", script, str(program)]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "129\n"


def test_what_it_leaves_running_ends_with_it(tmp_path: Path) -> None:
    mark = f"golink{os.getpid()}"
    program = compiled(
        tmp_path, 'if (fork() == 0) { setsid(); for (;;) pause(); } printf("done\\n"); return 4;', name=mark
    )

    ran = run_alone(program, seconds=30)

    assert (ran.status, ran.output) == (4, "done\n")
    assert not [path for path in Path("/proc").glob("[0-9]*/comm") if _comm(path) == mark]


def _comm(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        # It has ended.
        return ""


def test_a_program_that_goes_on_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    mark = f"golonk{os.getpid()}"
    program = compiled(tmp_path, 'printf("up\\n"); fflush(stdout); fork(); fork(); for (;;) pause();', name=mark)

    start = time.monotonic()
    ran = run_alone(program, seconds=0.3)

    assert (ran.status, ran.refused, ran.output) == (None, None, "up\n")
    assert time.monotonic() - start < 20
    assert not [path for path in Path("/proc").glob("[0-9]*/comm") if _comm(path) == mark]


def test_output_processes_and_memory_are_bounded(tmp_path: Path) -> None:
    endless = compiled(
        tmp_path, "static char all[1 << 20]; for (;;) if (write(1, all, sizeof all) < 0) return 5;", name="w"
    )
    ran = run_alone(endless, seconds=30)
    assert (ran.status, len(ran.output)) == (128 + 25, 64 << 10)  # SIGXFSZ

    hungry = compiled(
        tmp_path, 'for (long n = 0;; n++) if (!malloc(64 << 20)) { printf("%ld\\n", n * 64); return 9; }', name="m"
    )
    ran = run_alone(hungry, seconds=30)
    assert (ran.status, int(ran.output) <= 2048) == (9, True)

    limit = compiled(
        tmp_path, "struct rlimit l; getrlimit(RLIMIT_NPROC, &l); return l.rlim_cur == RLIM_INFINITY;", name="p"
    )
    assert run_alone(limit, seconds=30).status == 0


def test_an_interpreter_that_is_not_there_and_another_machine_are_told_apart(tmp_path: Path) -> None:
    dynamic = compiled(tmp_path, "return 0;", "-no-pie", name="dynamic")
    assert run_alone(dynamic, seconds=30).refused == "interpreter"
    assert run_alone(dynamic, seconds=30, root=False).status == 0

    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho hello\n")
    assert run_alone(script, seconds=30).refused == "interpreter"

    foreign = bytearray(dynamic.read_bytes())
    foreign[18:20] = b"\x16\x00"  # e_machine: EM_S390, which is big-endian
    (tmp_path / "foreign").write_bytes(foreign)
    assert run_alone(tmp_path / "foreign", seconds=30).refused == "machine"


def test_a_program_that_sees_the_machine_s_libraries_does_not_see_its_people(tmp_path: Path) -> None:
    body = """
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]); int files = 0;
        while (folder && readdir(folder)) files++;
        printf("%s %s\\n", argv[i], files > 2 ? "seen" : "hidden");
    }
    """
    ran = run_alone(compiled(tmp_path, body), arguments=["/usr", "/root", "/usr/lib", "/run"], seconds=30, root=False)

    assert ran.output.splitlines() == ["/usr seen", "/root hidden", "/usr/lib seen", "/run hidden"]


_TOUCHES = """
for (int i = 1; i < argc; i++) {
    int file = open(argv[i], O_CREAT | O_WRONLY, 0600);
    printf("%s\\n", file < 0 ? strerror(errno) : "written");
}
DIR *folder = opendir("/proc"); int files = 0;
while (folder && readdir(folder)) files++;
printf("other processes %s\\n", files > 2 ? "seen" : "hidden");
"""


@pytest.fixture
def seen() -> Iterator[Path]:
    """A folder that is neither temporary nor somebody's home, as a project's may be; for root only, it is seen."""
    with tempfile.TemporaryDirectory(dir="/var/lib" if os.geteuid() == 0 else None) as folder:
        yield Path(folder)


def test_a_program_that_sees_the_machine_s_libraries_writes_nowhere_and_sees_no_processes(
    seen: Path, tmp_path: Path
) -> None:
    seen.chmod(0o777)

    ran = run_alone(compiled(tmp_path, _TOUCHES), arguments=[f"{seen}/file"], seconds=30, root=False)

    touched, processes = ran.output.splitlines()
    assert touched in ("Read-only file system", *(["No such file or directory"] if os.geteuid() else []))
    assert processes == "other processes hidden"
    assert not list(seen.iterdir())


def test_a_home_that_cannot_be_looked_at_need_not_be_hidden(seen: Path, tmp_path: Path) -> None:
    program = compiled(tmp_path, "return 0;")
    script = (
        "import sys; from pathlib import Path\n"
        "from pytest_golink.sandbox import run_alone\n"
        "print(run_alone(Path(sys.argv[1]), seconds=30, root=False).status)\n"
    )
    seen.chmod(0o000)
    become = []
    if os.geteuid() == 0:
        # Root looks everywhere, and whoever has a namespace of his own into what is his.
        os.chown(seen, 1, 1)
        become = ["setpriv", "--bounding-set=-sys_admin,-dac_override,-dac_read_search"]
    command = [*become, sys.executable, "-c", script, str(program)]
    environment = {**os.environ, "HOME": f"{seen}/home"}

    assert subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout == "0\n"


def test_where_namespaces_are_refused_the_error_says_how_to_allow_them(tmp_path: Path) -> None:
    program = compiled(tmp_path, "return 0;")
    script = (
        "import sys; from pathlib import Path; from pytest_golink.sandbox import run_alone\n"
        "from pytest_golink.errors import SandboxError\n"
        "Path('/proc/sys/user/max_net_namespaces').write_text('0')\n"
        "try: run_alone(Path(sys.argv[1]), seconds=30)\n"
        "except SandboxError as error: print(error)\n"
    )
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", script, str(program)]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said.startswith("no program can be started apart from this machine here (")
    assert "kernel.apparmor_restrict_unprivileged_userns=0" in said
    assert "in a container --cap-add SYS_ADMIN" in said


def test_a_folder_that_allows_no_programs_is_an_error(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pytest_golink.sandbox import run_alone\n"
        "from pytest_golink.errors import SandboxError\n"
        "try: run_alone(Path('/bin/sh'), seconds=30)\n"
        "except SandboxError as error: print(error)\n"
    )
    shell = f'mount -t tmpfs -o noexec none {tmp_path} && TMPDIR={tmp_path} exec {sys.executable} -c "$1"'
    command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", shell, "sh", script]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert said == (
        f"no program can be started from {tmp_path}, which is mounted noexec: let TMPDIR name another folder\n"
    )


def test_a_program_that_the_kernel_refuses_for_another_reason_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="this machine does not start the program: Argument list too long"):
        run_alone(compiled(tmp_path, "return 0;"), arguments=["x" * (1 << 20)], seconds=30)


def test_elsewhere_than_on_linux_there_are_no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SandboxError, match="on Linux only"):
        run_alone(Path("program"), seconds=1)


def test_a_launcher_that_does_not_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(tmp_path, "for (;;) pause();")
    monkeypatch.setattr(alone, "_GRACE_S", 0.0)

    with pytest.raises(SandboxError, match="the program is still there 0 s after it was ended"):
        run_alone(program, seconds=0.1)


def test_a_launcher_that_dies_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(tmp_path, "return 0;")
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(SandboxError, match="no program could be started apart from this machine: no answer"):
        run_alone(program, seconds=1)


@pytest.mark.parametrize(
    "become",
    [
        # Root without its rights over the system, as in many containers; and root that is alone in its namespace.
        ["setpriv", "--bounding-set", "-sys_admin"],
        ["unshare", "--user", "--map-root-user"],
    ],
    ids=["container", "alone"],
)
def test_who_has_no_rights_over_the_machine_gets_a_user_namespace(become: list[str], tmp_path: Path) -> None:
    program = compiled(tmp_path, _SEES)
    script = (
        "import sys; from pathlib import Path; from pytest_golink.sandbox import run_alone\n"
        "print(run_alone(Path(sys.argv[1]), seconds=30).output)\n"
    )
    # An ordinary user's tests are such a case by themselves.
    command = [*(become if os.geteuid() == 0 else ()), sys.executable, "-c", script, str(program)]

    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "file program\nwrites 0\nconnects Network is unreachable\nroot 0, init 0\nblind to others 1\n" in said
