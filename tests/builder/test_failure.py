"""The line of a failed build that says why it failed."""

from __future__ import annotations

import pytest

from pytest_golink.builder.failure import why_it_failed

# The ends of real outputs: gcc and GNU ld, clang and lld, zig, cgo, and Go itself.
OUTPUTS = {
    "a function that GNU ld does not find": (
        "# example.com/app\n/usr/local/go/pkg/tool/linux_amd64/link: running gcc failed: exit status 1\n"
        "/usr/bin/gcc -m64 -o $WORK/b001/exe/a.out -static /tmp/go-link-1/000001.o\n"
        "/usr/bin/ld: /tmp/go-link-1/000001.o: in function `one':\n"
        "/tmp/go-build/cgo-gcc-prolog:5: undefined reference to `log'\n"
        "collect2: error: ld returned 1 exit status\n",
        "cgo-gcc-prolog:5: undefined reference to `log'",
    ),
    "a library that GNU ld does not find": (
        "/usr/bin/ld: cannot find -lsystemd: No such file or directory\ncollect2: error: ld returned 1 exit status\n",
        "cannot find -lsystemd: No such file or directory",
    ),
    "a header that clang does not find": (
        "# example.com/app\nmain.go:4:11: fatal error: 'seccomp.h' file not found\n"
        " #include <seccomp.h>\n          ^~~~~~~~~~~\n1 error generated.\n",
        "main.go:4:11: fatal error: 'seccomp.h' file not found",
    ),
    "a symbol that lld does not find": (
        "ld.lld: error: undefined symbol: __res_search\n>>> referenced by a.c:3\n"
        "clang: error: linker command failed with exit code 1 (use -v to see invocation)\n",
        "error: undefined symbol: __res_search",
    ),
    "a flag that the compiler lacks": (
        "# runtime/cgo\ngcc: error: unrecognized command-line option '-march=armv6'\n",
        "gcc: error: unrecognized command-line option '-march=armv6'",
    ),
    "a name that Go does not find": (
        "# example.com/app\n./main.go:9:31: undefined: dep.Log\n",
        "./main.go:9:31: undefined: dep.Log",
    ),
    "a package of which nothing is left": (
        "package example.com/app\n\timports example.com/dep: build constraints exclude all Go files in /src/dep\n",
        "imports example.com/dep: build constraints exclude all Go files in /src/dep",
    ),
    "what Go itself refuses": ("go: -race requires cgo; enable cgo by setting CGO_ENABLED=1\n", None),
    "an output that only fails": ("exit status 2\n", "exit status 2"),
    "no output": ("", ""),
}


@pytest.mark.parametrize(("output", "line"), OUTPUTS.values(), ids=OUTPUTS)
def test_it_is_the_line_with_the_cause(output: str, line: str | None) -> None:
    assert why_it_failed(output) == (output.strip() if line is None else line)
