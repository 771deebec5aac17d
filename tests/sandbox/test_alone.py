"""Programs that are run apart from the machine: what they see, how they end, what ends them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import SandboxError
from pytest_golink.sandbox import alone, run_alone
from pytest_golink.sandbox.system_calls import AMD64
from tests.sandbox.programs import compiled

if TYPE_CHECKING:
    from pytest_golink import GoBuild

_LOADER = "/lib64/ld-linux-x86-64.so.2"

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
    assert run_alone(dynamic, seconds=30, interpreter=_LOADER).status == 0

    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho hello\n")
    script.chmod(0o755)
    assert run_alone(script, seconds=30).refused == "interpreter"

    foreign = bytearray(dynamic.read_bytes())
    foreign[18:20] = b"\x16\x00"  # e_machine: EM_S390, which is big-endian
    (tmp_path / "foreign").write_bytes(foreign)
    (tmp_path / "foreign").chmod(0o755)
    assert run_alone(tmp_path / "foreign", seconds=30).refused == "machine"


_LISTS = """
for (int i = 1; i < argc; i++) {
    DIR *folder = opendir(argv[i]); struct dirent *entry; int files = 0;
    while (folder && (entry = readdir(folder))) if (entry->d_name[0] != '.') files++;
    printf("%s %s\\n", argv[i], !folder ? strerror(errno) : files ? "files" : "empty");
}
DIR *root = opendir("/"); struct dirent *entry;
while ((entry = readdir(root))) if (entry->d_name[0] != '.') fprintf(stderr, "%s\\n", entry->d_name);
"""


def test_with_an_interpreter_a_program_sees_what_a_loader_reads_and_nothing_else(tmp_path: Path) -> None:
    program = compiled(tmp_path, _LISTS)

    ran = run_alone(program, arguments=["/usr/lib", "/golink", "/usr/bin", "/etc/ssl"], seconds=30, interpreter=_LOADER)

    assert ran.output.splitlines() == [
        "/usr/lib files",
        "/golink files",
        "/usr/bin No such file or directory",
        "/etc/ssl No such file or directory",
    ]
    libraries = {"lib", "lib32", "lib64", "libx32", "usr", "nix", "gnu"}
    assert set(ran.errors.splitlines()) - libraries == {"etc", "golink"}


_REACHES = """
for (int i = 1; i < argc; i++) {
    int file = open(argv[i], O_RDWR | O_NONBLOCK);
    printf("open %s\\n", file < 0 ? strerror(errno) : "yes");
}
int created = open("/usr/lib/golink-was-here", O_CREAT | O_WRONLY, 0600);
printf("create %s\\n", created < 0 ? strerror(errno) : "yes");
printf("device %s\\n", mknod("/golink/null", S_IFCHR, makedev(1, 3)) ? strerror(errno) : "yes");
printf("socket %s\\n", socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? strerror(errno) : "yes");
int pair[2];
printf("pair %s\\n", socketpair(AF_UNIX, SOCK_STREAM, 0, pair) ? strerror(errno) : "yes");
"""


def test_with_an_interpreter_a_program_reaches_no_socket_fifo_terminal_or_file_of_the_user(tmp_path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").write_text("the user's")
    names = [str(tmp_path / name) for name in ("socket", "fifo", "file")]
    program = compiled(tmp_path, _REACHES)

    with listener:
        ran = run_alone(
            program, arguments=[*names, "/dev/tty", "/dev/ptmx", "/proc/self/exe"], seconds=30, interpreter=_LOADER
        )

    assert ran.output.splitlines() == [
        *["open No such file or directory"] * 6,
        "create Read-only file system",
        "device Read-only file system",
        "socket Address family not supported by protocol",
        "pair yes",
    ]


def test_an_interpreter_elsewhere_is_shown_without_its_folder(tmp_path: Path) -> None:
    loader = tmp_path / "beside" / "loader"
    loader.parent.mkdir()
    shutil.copy(os.path.realpath(_LOADER), loader)
    (loader.parent / "secret").touch()
    body = f'return open("{loader}", O_RDONLY) < 0 || open("{loader.parent}/secret", O_RDONLY) >= 0;'
    program = compiled(tmp_path, body, "-no-pie", f"-Wl,--dynamic-linker={loader}")
    for folder in (tmp_path, *tmp_path.parents):
        assert os.access(folder, os.X_OK)

    assert run_alone(program, seconds=30, interpreter=str(loader)).status == 0


def test_an_interpreter_that_cannot_be_looked_at_is_not_there(tmp_path: Path) -> None:
    program = compiled(tmp_path, "return 0;", "-no-pie", f"-Wl,--dynamic-linker={tmp_path}/none")

    assert run_alone(program, seconds=30, interpreter=f"{tmp_path}/none").refused == "interpreter"


_RIGHTS = """
struct { unsigned version; int pid; } head = {0x20080522, 0};
struct { unsigned effective, permitted, inheritable; } rights[2] = {0};
syscall(SYS_capget, &head, rights);
int any = 0;
for (int i = 0; i < 2; i++) any |= rights[i].effective | rights[i].permitted | rights[i].inheritable;
for (int i = 0; i < 41; i++) any |= prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0);
char one;
struct rlimit core; getrlimit(RLIMIT_CORE, &core);
printf("rights %d, gains %d, reads %ld, dumps %ld, leads %d\\n", any, !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
    (long) read(0, &one, 1), (long) core.rlim_cur, open("/dev/tty", O_RDWR) >= 0);
fflush(stdout);
"""
_NO_RIGHTS = "rights 0, gains 0, reads 0, dumps 1, leads 0"


def test_a_program_has_no_rights_no_input_and_no_terminal(tmp_path: Path) -> None:
    program = compiled(tmp_path, _RIGHTS)
    program.chmod(0o4755)

    assert run_alone(program, seconds=30).output == f"{_NO_RIGHTS}\n"


_ESCAPES = """
#define SAY(what, call) printf(what " %s\\n", (call) < 0 ? strerror(errno) : "yes")
SAY("unshare", unshare(CLONE_NEWUSER));
SAY("setns", setns(1, 0));
SAY("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
SAY("clone3", syscall(SYS_clone3, 0, 0));
SAY("keyctl", syscall(SYS_keyctl, 0, -3, 0));
SAY("add_key", syscall(SYS_add_key, "user", "golink", "x", 1, -5));
SAY("request_key", syscall(SYS_request_key, "user", "golink", 0, -5));
SAY("memfd", syscall(SYS_memfd_create, "golink", 0));
SAY("shm", shmget(IPC_PRIVATE, 4096, 0600 | IPC_CREAT));
SAY("io_uring", syscall(SYS_io_uring_setup, 1, 0));
SAY("vsock", socket(40, SOCK_STREAM, 0));
SAY("alg", socket(38, SOCK_SEQPACKET, 0));
SAY("packet", socket(17, SOCK_RAW, 0));
SAY("bluetooth", socket(31, SOCK_RAW, 0));
SAY("inet", socket(AF_INET, SOCK_STREAM, 0));
SAY("inet6", socket(AF_INET6, SOCK_STREAM, 0));
SAY("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
SAY("unix", socket(AF_UNIX, SOCK_STREAM, 0));
SAY("x32", syscall(0x40000000 + SYS_getpid));
fflush(stdout);
int child = fork(); if (child == 0) return 3; int status; wait(&status);
printf("fork %d\\n", WEXITSTATUS(status));
"""


def test_the_filter_refuses_what_namespaces_do_not_hold(tmp_path: Path) -> None:
    ran = run_alone(compiled(tmp_path, _ESCAPES), seconds=30)

    not_there, odd = "Function not implemented", "Address family not supported by protocol"
    assert [line.split(" ", 1) for line in ran.output.splitlines()] == [
        *([name, "Operation not permitted"] for name in ("unshare", "setns", "clone")),
        *([name, not_there] for name in ("clone3", "keyctl", "add_key", "request_key", "memfd", "shm", "io_uring")),
        *([name, odd] for name in ("vsock", "alg", "packet", "bluetooth")),
        *([name, "yes"] for name in ("inet", "inet6", "netlink", "unix")),
        ["x32", not_there],
        ["fork", "3"],
    ]


def test_the_session_keyring_of_the_caller_is_not_the_program_s(tmp_path: Path) -> None:
    body = """
    long found = syscall(SYS_keyctl, 10, -3, "user", "golink-secret", 0);
    printf("%s\\n", found < 0 ? strerror(errno) : "found");
    """
    program = compiled(tmp_path, body)
    script = (
        "import ctypes, struct, sys; from pathlib import Path; from pytest_golink.sandbox import alone\n"
        "call = ctypes.CDLL(None, use_errno=True).syscall\n"
        f"assert call({AMD64.refused['keyctl']}, 1, None) >= 0\n"
        f"assert call({AMD64.refused['add_key']}, b'user', b'golink-secret', b'x', 1, -3) >= 0\n"
        # Without the filter, which would refuse the question.
        "alone.call_filter = lambda *_, **__: struct.pack('=HBBI', 6, 0, 0, 0x7fff0000)\n"
        "print(alone.run_alone(Path(sys.argv[1]), seconds=30).output)\n"
    )
    command = [sys.executable, "-c", script, str(program)]

    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert shown == "Required key not available\n\n"


def test_a_386_program_that_asks_for_a_socket_by_socketcall_is_an_error(go_build: GoBuild) -> None:
    body = 'package main\nimport "net"\nfunc main() { net.Listen("tcp", ":0") }\n'
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "go.mod").write_text("module example.com/listens\n")
        Path(folder, "main.go").write_text(body)
        image = go_build(".", cwd=folder, target="linux/386", cgo=False).path

        with pytest.raises(SandboxError, match="ended the program with SIGSYS: it makes a socket with socketcall"):
            run_alone(image, seconds=30)


def test_a_386_program_that_asks_for_none_runs(go_build: GoBuild) -> None:
    image = go_build("sample_go/static", target="linux/386", cgo=False).path

    assert run_alone(image, seconds=30).output == "static: hello\n"


def test_a_kernel_without_filters_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is no filter it refuses in the same way.
    monkeypatch.setattr(alone, "call_filter", lambda *_, **__: b"\0" * 8)

    with pytest.raises(SandboxError, match=r"takes no filter of system calls \(seccomp: Invalid argument\)"):
        run_alone(compiled(tmp_path, "return 0;"), seconds=30)


def test_processes_have_one_bound_of_memory_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "MEMORY_BYTES", 256 << 20)
    body = """
    int shared = argc > 1;
    for (int i = 0; i < 4; i++) if (fork() == 0) {
        char *all = mmap(0, 100 << 20, 3, MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
        memset(all, 1, 100 << 20);
        for (;;) pause();
    }
    for (;;) pause();
    """
    program = compiled(tmp_path, body)

    for arguments in ([], ["shared"]):
        ran = run_alone(program, arguments=arguments, seconds=30)
        assert (ran.status, ran.outgrew) == (137, True)


def test_memory_that_processes_share_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alone, "MEMORY_BYTES", 256 << 20)
    body = """
    char *all = malloc(100 << 20);
    memset(all, 1, 100 << 20);
    for (int i = 0; i < 4; i++) if (fork() == 0) { sleep(1); return 0; }
    while (wait(0) > 0);
    return 7;
    """
    ran = run_alone(compiled(tmp_path, body), seconds=30)

    assert (ran.status, ran.outgrew) == (7, False)


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o100, 0o4755], ids=oct)
def test_a_program_keeps_its_mode_and_is_its_owner_s(mode: int, tmp_path: Path) -> None:
    program = compiled(tmp_path, 'struct stat s; stat("/program", &s); printf("%o %d", s.st_mode & 07777, geteuid());')
    program.chmod(mode)

    ran = run_alone(program, seconds=30)

    assert ran.output == f"{mode & 0o777:o} 65534"


def test_root_that_may_not_give_a_file_away_starts_what_all_may_start(tmp_path: Path) -> None:
    program = compiled(tmp_path, "return 5;")
    script = (
        "import sys; from pathlib import Path; from pytest_golink.sandbox import run_alone\n"
        "print(run_alone(Path(sys.argv[1]), seconds=30).status)\n"
    )
    become = ["setpriv", "--bounding-set=-chown"] if os.geteuid() == 0 else []
    command = [*become, sys.executable, "-c", script, str(program)]

    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "5\n"


def test_a_file_without_an_execute_bit_is_not_started(tmp_path: Path) -> None:
    program = compiled(tmp_path, "return 0;")
    program.chmod(0o611)

    with pytest.raises(SandboxError, match="Permission denied"):
        run_alone(program, seconds=30)


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

    assert said.startswith("golink cannot start a program apart from this machine here (")
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
        f"golink cannot start a program from {tmp_path}, which is mounted noexec: let TMPDIR name another folder\n"
    )


def test_a_program_that_the_kernel_refuses_for_another_reason_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="this machine does not start the program: Argument list too long"):
        run_alone(compiled(tmp_path, "return 0;"), arguments=["x" * (1 << 20)], seconds=30)


def test_elsewhere_than_on_linux_there_are_no_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SandboxError, match="only on Linux"):
        run_alone(Path("program"), seconds=1)


def test_a_launcher_that_does_not_end_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(tmp_path, "for (;;) pause();")
    monkeypatch.setattr(alone, "_GRACE_S", 0.0)

    with pytest.raises(SandboxError, match="the program is still there 0 s after it was ended"):
        run_alone(program, seconds=0.1)


def test_a_launcher_that_dies_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(tmp_path, "return 0;")
    monkeypatch.setattr(sys, "executable", "/bin/false")

    with pytest.raises(SandboxError, match="golink could not start a program apart from this machine: no answer"):
        run_alone(program, seconds=1)


@pytest.mark.parametrize(
    "become",
    [
        # An ordinary user, who may read where Python lies; root without its rights over the system, as in many
        # containers; and root that is alone in its namespace.
        [
            *("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"),
            *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),
        ],
        ["setpriv", "--bounding-set", "-sys_admin"],
        ["unshare", "--user", "--map-root-user"],
    ],
    ids=["user", "container", "alone"],
)
def test_without_rights_over_the_machine_there_is_a_user_namespace(become: list[str], tmp_path: Path) -> None:
    program = compiled(tmp_path, f"{_SEES} {_RIGHTS} {_ESCAPES}")
    reaches = compiled(tmp_path, _REACHES, name="reaches")
    script = (
        "import sys; from pathlib import Path; from pytest_golink.sandbox import run_alone\n"
        "print(run_alone(Path(sys.argv[1]), seconds=30).output)\n"
        f"print(run_alone(Path(sys.argv[2]), seconds=30, interpreter='{_LOADER}').output)\n"
    )
    # An ordinary user's tests are such a case by themselves.
    command = [*(become if os.geteuid() == 0 else ()), sys.executable, "-c", script, str(program), str(reaches)]

    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "file program\nwrites 0\nconnects Network is unreachable\nroot 0, init 0\nblind to others 1\n" in shown
    assert f"\n{_NO_RIGHTS}\n" in shown
    assert "\nunshare Operation not permitted\n" in shown
    assert "\nvsock Address family not supported by protocol\n" in shown
    assert "create Read-only file system\ndevice Read-only file system\n" in shown
