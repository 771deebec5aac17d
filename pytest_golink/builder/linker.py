"""Read the warnings that a linker printed during a build."""

from __future__ import annotations

import re

from pytest_golink.facts import LinkWarning

# GNU ld says where first, on a separate line or before the rest: "ld: x.o: in function `f':" (binutils up to 2.28:
# "x.o: In function `f':", without the program). A compiler names a source file there. Source: ld/ldmisc.c, vfinfo, %C.
_PREFIX = r"(?:(?P<program>[^:\s]+): )?"
_WHERE = re.compile(
    _PREFIX + r"(?P<object>(?:[A-Za-z]:)?[^:]+\.(?:o|a|so)\b[^:]*): "
    r"[Ii]n function [`'](?P<caller>[^']+)':\s*"
)
# "main.c:12: warning: …", "main.c:(.text+0x1f): warning: …", "x.o: warning: …". gold gives no function. A compiler
# gives the column as well, so that its line does not match.
_AT = re.compile(
    _PREFIX + r"(?:(?P<file>(?:[A-Za-z]:)?[^:]+):(?:(?P<line>\d+)|\([^)]*\))|(?P<object>[^:]+\.(?:o|a|so)\b[^:]*))"
    r": warning: (?P<message>.*)"
)
# "ld: warning: …": ld.bfd, ld.gold, ld.lld, mold, Apple's ld, Go's own link; zig's has no program, or "warning(link)".
_PROGRAM = re.compile(
    r"(?:(?:\S*[/-])?(?:ld(?:\.\w+|64\S*)?|mold|lld-link|link|collect2)(?:\.exe)?: )?"
    r"warning(?:\(link\))?: (?P<message>.*)"
)
# The text after "warning: " from the .gnu.warning sections of glibc and similar C libraries.
_FUNCTION = re.compile(
    r"Using '(?P<static>[^']+)' in statically linked applications"
    r"|[Tt]he use of [`'](?P<use>[^']+)' is"
    r"|[Tt]he [`'](?P<the>[^']+)' function is"
    r"|(?P<bare>\w+) is not implemented and will always fail"
)
_STACK = re.compile(r"(?P<object>\S+): (?:missing \.note\.GNU-stack section|requires executable stack)")


def parse_warnings(output: str) -> tuple[LinkWarning, ...]:
    """Return the linker's warnings in the output of `go build`, in order."""
    found = []
    where: re.Match[str] | None = None
    for line in output.splitlines():
        rest = line
        if match := _WHERE.match(line):
            where, rest = match, line[match.end() :]
        elif line.startswith("# "):
            # The output of the next package starts here.
            where = None
        if "warning" in rest and (warning := _warning(line, rest, where)) is not None:
            found.append(warning)
    return tuple(found)


def _warning(text: str, rest: str, where: re.Match[str] | None) -> LinkWarning | None:
    if match := _PROGRAM.fullmatch(rest):
        stack = _STACK.match(match["message"])
        return LinkWarning(text=text, function=_function(match["message"]), object=stack["object"] if stack else None)
    match = _AT.fullmatch(rest)
    if match is None:
        return None
    function = _function(match["message"])
    if where is None and function is None and match["line"] is not None:
        # A warning of a compiler without columns looks the same.
        return None
    return LinkWarning(
        text=text,
        function=function,
        object=where["object"] if where else match["object"],
        caller=where["caller"] if where else None,
        # The folder of a file that Go wrote is the same on each machine: /_/ (cmd/cgo).
        source=f"{match['file'].removeprefix('/_/')}:{match['line']}" if match["line"] is not None else None,
    )


def _function(message: str) -> str | None:
    match = _FUNCTION.search(message)
    return next(filter(None, match.groups())) if match else None
