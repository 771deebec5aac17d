"""A stranger's names through every command, format, error and heading: none of them acts where it is shown."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from pytest_golink.__main__ import main
from pytest_golink.errors import PolicyError
from pytest_golink.policy import read_policy
from tests.report.hostile_names import HOSTILE_NAMES, wrong_with

if TYPE_CHECKING:
    from pathlib import Path

# What can be a file's name here: Linux takes all but "/".
_FILES = tuple(enumerate(HOSTILE_NAMES))
_FORMATS = ("json", "html", "md", "sarif", "codequality")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("image")
    (folder / "main.c").write_text("void _start(void) { for (;;); }\n")
    subprocess.run(["cc", "-static", "-nostdlib", "-o", "app", "main.c"], cwd=folder, check=True)
    return folder / "app"


@pytest.fixture
def dist(image: Path, tmp_path: Path) -> Path:
    """A folder of programs, every second one cut short, each in its own folder, all with a hostile name."""
    data = image.read_bytes()
    for number, name in _FILES:
        folder = tmp_path / "dist" / str(number)
        folder.mkdir(parents=True)
        (folder / name).write_bytes(data if number % 2 else data[:-100])
    return tmp_path / "dist"


@pytest.fixture
def archives(image: Path, tmp_path: Path) -> Path:
    """A folder of tars, each with a member of a hostile name, every second one cut short."""
    data = image.read_bytes()
    (tmp_path / "app").write_bytes(data)
    (tmp_path / "cut").write_bytes(data[:-100])
    (tmp_path / "archives").mkdir()
    for number, name in _FILES:
        with tarfile.open(tmp_path / "archives" / f"{number}.tar", "w") as archive:
            archive.add(tmp_path / ("app" if number % 2 else "cut"), name, filter=_plain)
    return tmp_path / "archives"


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.pax_headers = {}
    return member


def _toml(paths: list[str]) -> str:
    tables = [f'[[binary]]\npath = {json.dumps(path)}\npolicy = "p"\n' for path in paths]
    return "[policy.p]\nstripped = true\n" + "".join(tables)


def _run(folder: Path, *arguments: str) -> str:
    """Run pytest there, write all reports, and return what it printed."""
    reports = [f"--golink-report-file={kind}:report.{kind}" for kind in _FORMATS]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-v",
        "--golink-report",
        "--junitxml=junit.xml",
    ]
    done = subprocess.run(
        [*command, *reports, *arguments],
        cwd=folder,
        capture_output=True,
        env={**os.environ, "GITHUB_ACTIONS": "true", "PYTHONUTF8": "1"},
        check=False,
    )
    return done.stdout.decode(errors="surrogateescape") + done.stderr.decode(errors="surrogateescape")


def _written(folder: Path) -> list[str]:
    wrong = []
    for kind in _FORMATS:
        text = (folder / f"report.{kind}").read_text(encoding="utf-8", errors="surrogateescape")
        wrong += [f"{kind}: {one}" for one in wrong_with(text) if not (kind == "md" and one.startswith("a line"))]
    text = (folder / "junit.xml").read_text(encoding="utf-8")
    return wrong + [f"junit: {one}" for one in wrong_with(text)]


@pytest.mark.usefixtures("dist", "archives")
@pytest.mark.parametrize("glob", ["dist/{}/*", "archives/{}.tar!**"], ids=["files", "members"])
def test_a_run_shows_no_name_raw(glob: str, tmp_path: Path) -> None:
    (tmp_path / "golink.toml").write_text(_toml([glob.format(number) for number, _ in _FILES]))

    shown = _run(tmp_path, "golink.toml")

    assert "violates stripped" in shown
    assert "UnreadableBinaryError" in shown
    assert wrong_with(shown, ours=("::error ", "::warning ", "::notice ")) == []
    assert _written(tmp_path) == []


@pytest.mark.parametrize("flags", [["--golink-lock"], ["--co", "-q"], ["-n1", "-rA", "--tb=long"]])
def test_a_run_in_another_form_shows_none_either(flags: list[str], dist: Path, tmp_path: Path) -> None:
    assert dist.exists()
    (tmp_path / "golink.toml").write_text(_toml(["dist/*/*"]))

    shown = _run(tmp_path, "golink.toml", *flags)

    assert "Linux" not in shown
    assert wrong_with(shown, ours=("::error ", "::warning ", "::notice ")) == []
    lock = tmp_path / "golink.lock"
    assert not lock.exists() or wrong_with(lock.read_text()) == []


def test_names_that_a_policy_gives_are_not_shown_raw(image: Path, tmp_path: Path) -> None:
    (tmp_path / "app").write_bytes(image.read_bytes())
    policy = tmp_path / "golink.toml"
    rules = "rules = { stripped = true }\n"
    mistakes: list[str] = []
    accepted: list[str] = []
    for name in HOSTILE_NAMES:
        # TOML has no surrogates.
        written = json.dumps(name.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007f")
        mistakes += [f"path = {written}\npolicy = {written}\n", f"path = 'app'\n{written} = {written}\n"]
        policy.write_text(named := f"[[binary]]\nname = {written}\npath = 'app'\n{rules}")
        try:
            read_policy(policy)
        except PolicyError:
            mistakes.append(f"name = {written}\npath = 'app'\n")
        else:
            accepted += [named, f"[[binary]]\npath = {written}\nname = 'p{len(accepted)}'\n{rules}"]

    for tables in ([f"[[binary]]\n{mistake}" for mistake in mistakes], accepted):
        policy.write_text("\n".join(tables))
        shown = _run(tmp_path, "golink.toml")
        assert "golink.toml" in shown
        assert wrong_with(shown, ours=("::error ",)) == []
    assert len(accepted) > 20
    assert _written(tmp_path) == []


def test_an_error_in_a_user_s_test_shows_no_name_raw(dist: Path, tmp_path: Path) -> None:
    (tmp_path / "test_release.py").write_text(
        "import pytest\n"
        "from pathlib import Path\n"
        "from pytest_golink import assert_stripped, read_binary\n"
        "@pytest.mark.parametrize('number', range(len(list(Path('dist').iterdir()))))\n"
        "def test_file(number):\n"
        "    [path] = Path('dist', str(number)).iterdir()\n"
        "    assert_stripped(path)\n"
        "def test_missing():\n"
        "    read_binary('missing\\n::error::FORGED')\n"
    )
    assert dist.exists()

    shown = _run(tmp_path, "test_release.py")

    assert "violates stripped" in shown
    assert wrong_with(shown, ours=("::error ",)) == []
    assert _written(tmp_path) == []


@pytest.mark.usefixtures("dist")
def test_binaries_of_the_command_line_are_not_shown_raw(tmp_path: Path) -> None:
    (tmp_path / "test_release.py").write_text(
        "from pytest_golink import assert_stripped\ndef test_file(go_binary):\n    assert_stripped(go_binary)\n"
    )
    # A "!" is the way into an archive.
    names = [f"dist/{number}/{name}" for number, name in _FILES if "!" not in name]
    assert all((tmp_path / name).exists() for name in names)

    shown = _run(tmp_path, *("--golink-binary=" + re.sub(r"([*?[])", r"[\1]", name) for name in names))

    assert "violates stripped" in shown
    assert wrong_with(shown, ours=("::error ",)) == []
    assert _written(tmp_path) == []


@pytest.mark.parametrize("words", [[], ["--json"], ["--platforms"], ["--platforms", "--json"], ["--crosscheck"]])
def test_the_fact_sheet_shows_none_raw(words: list[str], dist: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(path) for path in sorted(dist.glob("*/*"))]

    main([*words, *files, str(dist / "missing\n::error::FORGED")])

    out, err = capsys.readouterr()
    assert wrong_with(out) == []
    assert wrong_with(err) == []
    assert "no file matches" in err


def test_the_commands_show_none_raw(dist: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "golink.toml").write_text(_toml(["dist/*/*"]))
    _run(tmp_path, "golink.toml")
    for number, _ in _FILES:
        if number % 2 == 0:
            [cut] = (dist / str(number)).iterdir()
            cut.unlink()
    report = tmp_path / "report.json"
    other = tmp_path / "other.json"
    other.write_text(
        report.read_text().replace('"stripped": false', '"stripped": true').replace("dist/1/", "dist/one/")
    )
    written = [f"--output={kind}:{tmp_path}/merged.{kind}" for kind in ("md", "html", "sarif")]
    for words in (
        ["init", "--dist", "dist", "--output", "-", str(tmp_path)],
        ["init", "--dist", "dist", "--force", str(tmp_path)],
        ["diff", str(report), str(other)],
        ["diff", "--md", str(report), str(other)],
        ["diff", "--json", str(report), str(other)],
        ["merge", str(report), *written],
        ["merge", str(report), str(other), *written],
    ):
        main(words)
        out, err = capsys.readouterr()
        assert wrong_with(out) == [], words
        assert wrong_with(err) == [], words
    assert wrong_with((tmp_path / "golink.toml").read_text()) == []


@pytest.mark.parametrize("command", ["", "init", "diff", "merge", "platform"])
def test_errors_of_a_command_line_show_none_raw(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in HOSTILE_NAMES:
        for words in ([name], [name, name], [f"--{name}"], [f"--name={name}", name], ["--against", name, name]):
            try:
                main([*([command] if command else []), *words])
            except SystemExit:
                pass
            except ValueError:
                # No file has such a name.
                assert "\0" in name
            out, err = capsys.readouterr()
            assert wrong_with(out) == [], (command, words)
            assert wrong_with(err) == [], (command, words)


def test_a_policy_that_is_not_there_is_not_shown_raw(tmp_path: Path) -> None:
    for name in HOSTILE_NAMES:
        if "\0" not in name and name.strip():
            assert wrong_with(_run(tmp_path, f"--golink-policy={name}"), ours=("::error ",)) == []
