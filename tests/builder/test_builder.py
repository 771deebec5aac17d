"""From options to an image: where it is built, what is recorded, and what is kept from session to session."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_golink.builder import Builder, BuiltImage, parse_options
from pytest_golink.errors import BuildError, ParameterError, ToolchainError
from pytest_golink.toolchain import find_go

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_golink import GoBuild, GoToolchain

HELLO = 'package main\n\nfunc main() { println("hello") }\n'


@pytest.fixture
def module(tmp_path: Path) -> Path:
    root = tmp_path / "module"
    root.mkdir()
    (root / "go.mod").write_text("module example.com/hello\n\ngo 1.21\n")
    (root / "main.go").write_text(HELLO)
    return root


@pytest.fixture
def counted(tmp_path: Path, go_toolchain: GoToolchain) -> GoToolchain:
    """A toolchain that writes a line for each `go build`."""
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        f'#!/bin/sh\n[ "$1" = build ] && echo build >> "{tmp_path}/builds"\nexec "{go_toolchain.path}" "$@"\n'
    )
    go.chmod(0o755)
    return find_go(named=str(go), cache=tmp_path)


def builds(tmp_path: Path) -> int:
    file = tmp_path / "builds"
    return len(file.read_text().splitlines()) if file.exists() else 0


Build: TypeAlias = "Callable[..., BuiltImage]"
Start: TypeAlias = "Callable[..., Build]"


@pytest.fixture
def start(tmp_path: Path, module: Path, counted: GoToolchain) -> Start:
    """Start a session of the name; what it gives builds in it."""

    def started(session: str = "1", **more: Any) -> Build:
        builder = Builder(counted, rootdir=module, cache=tmp_path / "cache", session=session, **more)
        return lambda **options: builder.build(parse_options(options))

    return started


def test_a_prebuilt_image_is_not_built_again(tmp_path: Path) -> None:
    prebuilt = BuiltImage(
        path=tmp_path / "app",
        name="dist/app",
        target=None,
        options=None,
        command=(),
        environment={},
        output="",
        warnings=(),
        seconds=0.0,
        linked=False,
        header=None,
    )

    with pytest.raises(ParameterError, match="dist/app was not built here: there is nothing to build it from"):
        prebuilt.rebuild(tmp_path, fresh_cache=False)


def test_an_image_is_built_once_more_in_a_copy_of_its_module(start: Start, module: Path, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(module)], check=True)
    announced: list[tuple[str, bool]] = []
    build = start(announce=lambda _options, label, starts: announced.append((label, starts)))
    built = build(trimpath=True, env={"GOFLAGS": "-buildvcs=false"})
    (tmp_path / "again").mkdir()

    again = built.rebuild(tmp_path / "again", fresh_cache=False)

    assert again == tmp_path / "again/module"
    assert again.read_bytes() == built.path.read_bytes()
    assert [label for label, _ in announced[-2:]] == [f"module {built.target} once more"] * 2
    assert [starts for _, starts in announced[-2:]] == [True, False]


def test_a_copy_that_does_not_build_or_cannot_be_made_is_an_error(start: Start, module: Path, tmp_path: Path) -> None:
    built = start()()
    (module / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    with pytest.raises(BuildError, match=r"in a copy of its module module \(.*\) does not build"):
        built.rebuild(tmp_path / "first", fresh_cache=False)
    (module / "go.mod").write_text("nonsense\n")
    with pytest.raises(BuildError, match="cannot be copied: go does not say what it is built from"):
        built.rebuild(tmp_path / "second", fresh_cache=False)


def output(binary: BuiltImage) -> str:
    return subprocess.run([binary.path], capture_output=True, text=True, check=True).stderr.strip()


def test_folders_may_be_given_relative_to_the_process_s(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, go_toolchain: GoToolchain
) -> None:
    # `go build` runs in the package's folder, so what it is told must not be relative.
    monkeypatch.chdir(tmp_path)
    builder = Builder(go_toolchain, rootdir=Path(module.name), cache=Path("cache"), session="1")
    built = builder.build(parse_options({}))

    assert built.name == "module"
    assert built.path.is_absolute()
    assert built.path.is_relative_to(tmp_path / "cache")
    assert output(built) == "hello"


class TestPackage:
    def test_it_is_the_root_folder_by_default(self, start: Start) -> None:
        built = start()()

        assert output(built) == "hello"
        assert built.name == "module"
        assert built.path.name == "module"

    def test_it_may_be_a_folder_with_a_go_mod_of_its_own_below_the_root(self, start: Start, module: Path) -> None:
        inner = module / "tools" / "gen"
        inner.mkdir(parents=True)
        (inner / "go.mod").write_text("module example.com/gen\n\ngo 1.21\n")
        (inner / "main.go").write_text(HELLO)

        assert start()(package="tools/gen").name == "tools/gen"
        assert start()(package="./gen", cwd="tools").name == "tools/gen"
        assert start()(package=str(inner)).name == "tools/gen"

    def test_it_may_be_a_go_file(self, start: Start, module: Path) -> None:
        (module / "tool.go").write_text(HELLO.replace("hello", "tool"))

        built = start()(package="tool.go")

        assert output(built) == "tool"
        assert (built.name, built.path.name) == ("tool.go", "tool")

    def test_it_may_be_an_import_path(self, start: Start) -> None:
        built = start()(package="example.com/hello")

        assert output(built) == "hello"
        assert (built.name, built.path.name) == ("example.com/hello", "hello")

    def test_one_outside_the_root_is_named_by_its_whole_path(self, start: Start, tmp_path: Path) -> None:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "main.go").write_text(HELLO)
        (outside / "go.mod").write_text("module example.com/outside\n")

        assert start()(package="../outside").name == outside.as_posix()

    @pytest.mark.parametrize("package", ["./nope", "../nope", "nope.go", "/nope/nope"])
    def test_a_folder_that_does_not_exist_is_an_error_that_says_where_it_was_looked_for(
        self, start: Start, module: Path, tmp_path: Path, package: str
    ) -> None:
        with pytest.raises(BuildError) as caught:
            start()(package=package)

        assert str(caught.value) == f"package {package}: there is no folder or .go file {module / package}"
        assert builds(tmp_path) == 0

    def test_an_import_path_that_does_not_exist_is_an_error_that_says_where_it_was_looked_for(
        self, start: Start, module: Path
    ) -> None:
        with pytest.raises(BuildError) as caught:
            start()(package="cmd/nope")

        assert str(caught.value).startswith(
            f"cmd/nope (linux/amd64) does not build: there is no folder {module}/cmd/nope, and no such import path "
            "(exit status 1)\n  package cmd/nope is not in std"
        )

    def test_a_cwd_that_does_not_exist_is_an_error(self, start: Start, module: Path) -> None:
        with pytest.raises(BuildError, match=rf"^cwd: there is no folder {module}/nope$"):
            start()(cwd="nope")

    def test_a_package_that_is_not_main_is_an_error(self, start: Start, module: Path) -> None:
        (module / "lib").mkdir()
        (module / "lib" / "lib.go").write_text("package lib\n")

        with pytest.raises(BuildError, match=r"^lib is not a main package: `go build` makes an archive of it"):
            start()(package="./lib")

    def test_code_that_does_not_compile_is_an_error_with_file_and_line(self, start: Start, module: Path) -> None:
        (module / "main.go").write_text("package main\n\nfunc main() {\n\tundefined()\n}\n")

        with pytest.raises(BuildError) as caught:
            start()()

        assert "./main.go:4:2: undefined: undefined" in str(caught.value)
        assert caught.value.status == 1
        assert caught.value.command[1] == "build"

    def test_a_build_that_makes_no_image_is_an_error(self, start: Start) -> None:
        with pytest.raises(BuildError, match=r"go ended well, but made no image; look at GOFLAGS"):
            start()(env={"GOFLAGS": "-n"})

    def test_an_unknown_target_is_an_error_at_once(self, start: Start, tmp_path: Path) -> None:
        with pytest.raises(ToolchainError, match=r'unknown target "linux/amd46".*did you mean "linux/amd64"\?'):
            start()(target="linux/amd46")
        assert builds(tmp_path) == 0


class TestRecord:
    def test_the_command_and_what_was_set_for_it_are_recorded(
        self, start: Start, counted: GoToolchain, tmp_path: Path
    ) -> None:
        built = start()(target="linux/arm64", cgo=False, ldflags="-s -w", trimpath=True, env={"GOTRACEBACK": "all"})

        [slot] = (tmp_path / "cache" / "slots").iterdir()
        assert built.command == (
            str(counted.path), "build", "-o", str(slot / "build" / "module"), "-trimpath", "-ldflags=-s -w", ".",
        )  # fmt: skip
        assert dict(built.environment) == {
            "LC_ALL": "C",
            "LANG": "C",
            "LANGUAGE": "C",
            "GOOS": "linux",
            "GOARCH": "arm64",
            "GOTRACEBACK": "all",
            "CGO_ENABLED": "0",
        }
        assert built.target == "linux/arm64"
        assert built.path == slot / "image" / "module"
        assert built.linked
        assert built.seconds > 0
        assert repr(built) == f"GoBinary(path={built.path!r}, name='module', target='linux/arm64')"

    def test_options_that_make_one_build_keep_their_own_words(self, start: Start) -> None:
        build = start()
        first = build(cgo=False)
        second = build(env={"CGO_ENABLED": "0"})

        assert first.path == second.path
        assert (first.options and first.options.cgo, second.options and second.options.cgo) == (False, None)
        assert second.origin is not None
        assert second.origin.job.options == second.options

    def test_the_facts_are_read_once(self, start: Start) -> None:
        built = start()(cgo=False)

        assert built.facts.linkage == "static"
        assert built.facts is built.facts

    @pytest.mark.parametrize(
        ("target", "mode", "name"),
        [
            ("windows/amd64", None, "module.exe"),
            ("darwin/arm64", "exe", "module"),
            ("linux/amd64", "pie", "module"),
        ],
    )
    def test_an_image_is_named_as_its_system_names_programs(
        self, start: Start, target: str, mode: str | None, name: str
    ) -> None:
        built = start()(target=target, cgo=False, buildmode=mode)

        assert built.path.name == name
        assert built.path.is_file()

    @pytest.mark.parametrize(("mode", "name"), [("c-archive", "shared.a"), ("c-shared", "shared.so")])
    def test_a_library_for_c_comes_with_its_header(self, go_build: GoBuild, mode: str, name: str) -> None:
        built = go_build("sample_go/shared", cgo=True, buildmode=mode)

        assert built.path.name == name
        assert built.header == built.path.with_suffix(".h")
        assert "GolinkAnswer" in built.header.read_text()

    def test_go_that_has_gone_away_is_a_toolchain_error(self, start: Start, counted: GoToolchain) -> None:
        build = start()
        counted.path.unlink()

        with pytest.raises(ToolchainError, match="go cannot be started: No such file or directory"):
            build()

    def test_a_build_that_takes_too_long_is_an_error(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("pytest_golink.builder.builder._BUILD_TIMEOUT_S", 0.01)

        with pytest.raises(BuildError, match=r"^module \(linux/amd64\) was not built within 0 seconds"):
            start()()

    def test_builds_are_announced(self, start: Start) -> None:
        heard: list[tuple[str, str, bool]] = []
        build = start(announce=lambda options, label, starts: heard.append((options.package, label, starts)))

        build(cgo=False)
        build(cgo=False)
        with pytest.raises(BuildError):
            build(package="./nope")

        assert heard == [
            (".", "module linux/amd64", True),
            (".", "module linux/amd64", False),
            ("./nope", "./nope", False),
        ]


class TestCache:
    def test_a_session_builds_once(self, start: Start, tmp_path: Path) -> None:
        first, second = start("1")(), start("1")()

        assert builds(tmp_path) == 1
        assert (first.path, first.command, first.linked) == (second.path, second.command, second.linked)

    def test_other_options_are_another_build(self, start: Start, tmp_path: Path) -> None:
        build = start()

        paths = {build().path, build(ldflags="-s").path, build(env={"GOTRACEBACK": "all"}).path, build(cgo=False).path}

        assert len(paths) == builds(tmp_path) == 4

    def test_another_environment_is_another_build(
        self, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        build = start()

        first = build()
        monkeypatch.setenv("GOTRACEBACK", "all")
        second = build()
        monkeypatch.setenv("PATH", str(tmp_path))
        third = build()
        # ld writes it into DT_RUNPATH, and Go does not know.
        monkeypatch.setenv("LD_RUN_PATH", "/opt/lib")
        fourth = build()

        assert len({first.path, second.path, third.path, fourth.path}) == 4

    def test_the_next_session_asks_go_and_links_nothing_anew(self, start: Start, tmp_path: Path) -> None:
        first = start("1")()
        before = first.path.stat()

        second = start("2")()

        after = second.path.stat()
        assert builds(tmp_path) == 2
        assert (first.linked, second.linked) == (True, False)
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)

    def test_changed_source_is_linked_anew_in_the_next_session(self, start: Start, module: Path) -> None:
        first = start("1")()
        (module / "main.go").write_text(HELLO.replace("hello", "changed"))

        second = start("2")()

        assert second.linked
        assert second.path == first.path
        assert output(second) == "changed"

    def test_an_image_that_is_up_to_date_keeps_its_warnings(self, tmp_path: Path, go_toolchain: GoToolchain) -> None:
        root = Path(__file__).parent.parent.parent
        options = parse_options(
            {"package": "sample_go/lookup", "cgo": True, "linkmode": "external", "extldflags": "-static"}
        )
        first, second = (
            Builder(go_toolchain, rootdir=root, cache=tmp_path, session=session).build(options) for session in "12"
        )

        assert (first.linked, second.linked) == (True, False)
        assert first.warnings != ()
        assert [(one.function, one.caller, one.source) for one in first.warnings] == [
            (one.function, one.caller, one.source) for one in second.warnings
        ]

    def test_warnings_that_go_does_not_replay_are_kept(self, start: Start, counted: GoToolchain) -> None:
        # Go replays them as a best effort: this one says them at the first build only.
        go = counted.path.read_text()
        counted.path.write_text(go.replace("exec", "echo 'ld: warning: once' >&2\nexec"))
        first = start("1")()
        counted.path.write_text(go)

        second = start("2")()

        assert not second.linked
        assert second.warnings == first.warnings
        assert [warning.text for warning in second.warnings] == ["ld: warning: once"]

    def test_a_failed_build_is_not_run_again_and_says_the_same(
        self, start: Start, module: Path, tmp_path: Path
    ) -> None:
        (module / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
        messages = set()
        for _ in range(3):
            with pytest.raises(BuildError) as caught:
                start("1")()
            messages.add(str(caught.value))

        assert len(messages) == builds(tmp_path) == 1

    def test_a_failed_build_leaves_the_image_before_it_in_peace(self, start: Start, module: Path) -> None:
        first = start("1")()
        (module / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
        with pytest.raises(BuildError):
            start("2")()
        (module / "main.go").write_text(HELLO)

        third = start("3")()

        assert not third.linked
        assert third.output == ""
        assert output(first) == "hello"

    @pytest.mark.parametrize(
        "damage",
        [
            "image gone",
            "image cut",
            "image doctored",
            "both doctored",
            "of another slot",
            "record gone",
            "record cut",
            "record of another form",
        ],
    )
    def test_what_is_damaged_is_not_taken_for_an_image(self, start: Start, damage: str) -> None:
        first = start("1")()
        record = first.path.parent.parent / "record.json"
        match damage:
            case "image gone":
                first.path.unlink()
            case "image cut":
                first.path.write_bytes(first.path.read_bytes()[:1000])
            case "image doctored":
                # Of the same size and time, and the same build ID: Go itself would take it for up to date.
                status, content = first.path.stat(), first.path.read_bytes()
                assert content.count(b"hello") > 0
                first.path.write_bytes(content.replace(b"hello", b"HELLO"))
                os.utime(first.path, ns=(status.st_atime_ns, status.st_mtime_ns))
            case "both doctored":
                content = first.path.read_bytes()
                first.path.write_bytes(content.replace(b"hello", b"HELLO"))
                text = record.read_text()
                old, new = (hashlib.sha256(each).hexdigest() for each in (content, first.path.read_bytes()))
                assert old in text
                record.write_text(text.replace(old, new))
            case "of another slot":
                other = start("1")(ldflags="-X main.unused=1")
                first.path.write_bytes(other.path.read_bytes())
                record.write_bytes((other.path.parent.parent / "record.json").read_bytes())
            case "record gone":
                record.unlink()
            case "record cut":
                record.write_text(record.read_text()[:40])
            case _:
                record.write_text('{"command": [], "files": [], "version": 2}')

        # The same session: what it has in memory is gone as well.
        second = start("1")()

        assert second.linked
        assert output(second) == "hello"

    def test_a_cache_that_golink_cannot_write_to_is_a_build_error(self, start: Start, tmp_path: Path) -> None:
        (tmp_path / "cache").mkdir()
        # The simplest folder that root cannot write to either.
        (tmp_path / "cache" / "slots").symlink_to("/proc")

        with pytest.raises(
            BuildError, match=r"^module \(linux/amd64\): golink cannot keep its image in .*/cache: No such"
        ):
            start()()

    def test_sessions_side_by_side_build_the_same_image_one_after_the_other(self, start: Start, tmp_path: Path) -> None:
        built: list[BuiltImage] = []
        threads = [
            threading.Thread(target=lambda session=session: built.append(start(session)())) for session in "1111"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert builds(tmp_path) == 1
        assert len({binary.path for binary in built}) == 1


_BUILD = """
import sys
from pathlib import Path
from pytest_golink.builder import Builder, parse_options
from pytest_golink.toolchain import find_go
here = Path(sys.argv[1])
go = find_go(named=str(here / "bin" / "go"), cache=here)
Builder(go, rootdir=here / "module", cache=here / "cache", session="killed").build(parse_options({}))
"""


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing_half_made(
    start: Start, tmp_path: Path, counted: GoToolchain, number: signal.Signals
) -> None:
    first = start("1")()
    # A `go build` that has written half an image when the signal comes; it tells so through a pipe.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    whole = counted.path.read_text()
    counted.path.write_text(
        whole.replace(
            "exec", f'[ "$1" = build ] && {{ head -c 999 /dev/zero > "$3"; echo $$ > "{pipe}"; sleep 600; }}\nexec'
        )
    )
    process = subprocess.Popen([sys.executable, "-c", _BUILD, str(tmp_path)], stderr=subprocess.PIPE, text=True)
    child = int(pipe.read_text())
    process.send_signal(number)
    _, error = process.communicate(timeout=60)
    if number == signal.SIGINT:
        # Nobody is left of the group of the go command.
        with pytest.raises(ProcessLookupError):
            os.killpg(child, 0)
        assert error.strip().endswith("KeyboardInterrupt")
        assert not (first.path.parent.parent / "build").exists()
    else:
        os.killpg(child, signal.SIGKILL)
        assert (first.path.parent.parent / "build").exists()
    counted.path.write_text(whole)

    after = start("2")()

    assert not after.linked
    assert output(after) == "hello"
    assert not (first.path.parent.parent / "build").exists()
