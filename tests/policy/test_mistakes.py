"""Each kind of mistake, with the text that a user reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_golink.errors import PolicyError
from pytest_golink.policy import read_policy
from tests.policy.written import mistakes, policy_of

if TYPE_CHECKING:
    from pathlib import Path

# What is wrong stands above; this is a binary with which all else is right.
OUT = "leads out of the folder of the policy; golink reads nothing outside of it"
RELATIVE = "write it relative to the folder of the policy, with / between folders"
FORM = 'is not of the form archive!member, such as "dist/*.tar.gz!**/app"'
MEMBER = 'leads out of the archive; name the member as the archive does, such as "**/app"'
NAME = 'expected a name of at most 200 characters, without any of []*? and without "::"'
TARGETS = 'expected a list of at least one target, such as "linux/amd64"'
SOURCE = "exactly one of package, path and goreleaser must be given"
REST = """
[[binary]]
package = "./cmd/app"
rules = { static = true }
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a = \n", ["golink.toml:1: not TOML: Invalid value"], id="no value"),
        pytest.param('a = 1\nb = """x\n', ["golink.toml:2: not TOML: Unterminated string"], id="end of file"),
        pytest.param('a = 1\n\n"\n', ["golink.toml:3: not TOML: Illegal character '\\n'"], id="an open quote"),
        pytest.param("[a]\n[b]\n[a]\n", ["golink.toml:3: not TOML: Cannot declare ('a',) twice"], id="a table twice"),
        pytest.param(
            "\ufeffa = 1\n",
            [
                "golink.toml:1: not TOML: Invalid statement; the file starts with a byte order mark: save it as UTF-8 "
                "without one"
            ],
            id="a byte order mark",
        ),
        pytest.param(f"a = 1\nb = 0x{'f' * 5000}\n", ["golink.toml:2: not TOML: a number beyond 64 bits"], id="huge"),
        pytest.param(
            "a = " + "[" * 100_000,
            ["golink.toml:1: not a policy: tables or lists are nested too deeply"],
            id="deep",
        ),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert mistakes(tmp_path, text) == expected


def test_a_number_of_thousands_of_digits_is_refused(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, f"a = {'9' * 5000}\n")

    assert line.startswith("golink.toml:1: not TOML: ")


def test_a_file_of_another_encoding_is_told_by_its_line(tmp_path: Path) -> None:
    path = tmp_path / "golink.toml"
    path.write_bytes(b'a = 1\nb = "\xe4"\n')

    with pytest.raises(PolicyError, match=r"^golink\.toml:2: not TOML: it is not UTF-8; save it in that encoding$"):
        read_policy(path)


def test_a_file_that_is_not_there_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"^golink\.toml:1: cannot be read: No such file or directory$"):
        read_policy(tmp_path / "golink.toml")
    (tmp_path / "golink.toml").mkdir()
    with pytest.raises(PolicyError, match=r"^golink\.toml:1: cannot be read: Is a directory$"):
        read_policy(tmp_path / "golink.toml")


def test_a_file_of_more_than_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "#" * (1024 * 1024 + 1)) == [
        "golink.toml:1: larger than 1,048,576 bytes, the most that golink reads"
    ]


def test_a_policy_that_its_own_lock_would_overwrite_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_text("[[binary]]\npackage = '.'\nrules.nx = true\n")

    with pytest.raises(PolicyError, match=r"^x\.lock:1: a policy cannot be called \*\.lock: golink would write"):
        read_policy(tmp_path / "x.lock")


def test_a_thousand_mistakes_are_enough(tmp_path: Path) -> None:
    lines = mistakes(tmp_path, "".join(f"k{number} = 1\n" for number in range(90_000)))

    assert len(lines) == 1001
    assert lines[-1].startswith('golink.toml:1001: unknown key "k1000" in golink.toml; ')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1: golink.toml has no binary: a list of tables"]),
        ("binary = []", ["1: there is no [[binary]]: nothing is checked"]),
        ("[binary]\npackage = '.'", ["1: binary: expected a list of tables, not a table; write [[binary]]"]),
        ("binary = [1]", ["1: binary: expected a list of tables, not a list"]),
        ("[polcy.a]\nstatic = true" + REST, ['1: unknown key "polcy" in golink.toml; did you mean "policy"?']),
        (
            "version = 1" + REST,
            ['1: unknown key "version" in golink.toml; there are policy, binary, waive, platform, lock'],
        ),
        ("policy = 3" + REST, ["1: policy: expected a table, not 3"]),
        (
            "[policy]\nstatic = true" + REST,
            ["2: policy.static: expected a table, not true; put rules in a named table: [policy.NAME]"],
        ),
        ("lock = '5%'" + REST, ['1: lock: expected a table, not "5%"']),
        (
            "[lock]\nsize = '5%'" + REST,
            ['2: unknown key "size" in [lock]; there are size-tolerance'],
        ),
        (
            "[lock]\nsize-tolerance = '5 percent'" + REST,
            ['2: size-tolerance: expected a share such as "5%" or a size such as "200 KB", not "5 percent"'],
        ),
        ("[platform]\nx = 1" + REST, ["2: platform.x: expected a table, not 1"]),
        (
            "[platform.x]\ntargets = ['linux/amd64']\nlbc = 'glibc'" + REST,
            ['3: platform x: unknown key "lbc"; did you mean "libc"?'],
        ),
        (
            "[platform.x]\nlibc = 'glibc'" + REST,
            ['1: platform x: targets is missing: a list such as ["linux/amd64"], or extends'],
        ),
        (
            "[platform.x]\ntargets = ['linux/amd64']\ncpu = { amd64 = 'v9' }" + REST,
            ["3: platform x: cpu.amd64: 'v9' is not a level of GOAMD64"],
        ),
    ],
)
def test_the_tables_of_the_file(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert mistakes(tmp_path, text) == [f"golink.toml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("statik = true", '3: unknown rule "statik"; did you mean "static"?'),
        ("Static = true", '3: unknown rule "Static"; did you mean "static"?'),
        ("xyzzy = true", '3: unknown rule "xyzzy"'),
        ("statik = false", '3: unknown rule "statik"; did you mean "static"?'),
        ("static = 1", "3: static: 1 is not true or false"),
        ("static = { strict = true }", '3: static: unknown parameter "strict"; accepted: true or false'),
        # Beside a parameter that is right.
        (
            "glibc-at-most = { version = '2.17', verison = '2.34' }",
            '3: glibc-at-most: unknown parameter "verison"; did you mean "version"?; '
            'accepted: version = a version such as "2.17"',
        ),
        ("only-needs = true", "3: only-needs: libraries is missing: a list, each a name or a glob"),
        ("only-needs = [1]", "3: only-needs: libraries: 1 is not a name or a glob"),
        ("needs = []", "3: needs: libraries: [] is not a list of at least one: a name or a glob"),
        ("relro = 'ful'", "3: relro: level: 'ful' is not one of none, partial, full; did you mean \"full\"?"),
        ("glibc-at-most = 2.17", '3: glibc-at-most: version: 2.17 is not a version such as "2.17"'),
        (
            "target = ['macos/arm64']",
            "3: target: targets: 'macos/arm64' is not GOOS/GOARCH in Go's words, such as \"linux/amd64\"; "
            'did you mean "darwin/arm64"?',
        ),
        (
            "needs-libc = '2.17'",
            "3: needs-libc: '2.17' is not kind = one of glibc, musl, bionic, libSystem, bsd, solaris, aix, ucrt, "
            'msvcrt; at-most = a version such as "2.17"; write needs-libc = { at-most = "2.17" }',
        ),
        ("build-setting = { CGO_ENABLED = 0 }", "3: build-setting: CGO_ENABLED: 0 is not a string"),
        ('"a\\u001bb" = true', '3: unknown rule "a\\x1bb"'),
    ],
)
def test_rules_and_their_parameters(tmp_path: Path, lines: str, expected: str) -> None:
    text = f"[policy.p]\nstripped = true\n{lines}\n[[binary]]\npackage = './app'\npolicy = 'p'\n"

    assert mistakes(tmp_path, text) == [f"golink.toml:{expected}"]


def test_a_parameter_that_is_wrong_is_not_missing_too(tmp_path: Path) -> None:
    text = "[[binary]]\npackage = './app'\nrules.fips = { kind = 'gos', mode = 'on' }\n"

    assert mistakes(tmp_path, text) == [
        "golink.toml:3: fips: kind: 'gos' is not one of boringcrypto, go, openssl; did you mean \"go\"?"
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("'debian99'", 6),
        ("['scratch',\n'debian99', 'mine']", 7),
        ("{ platforms = [\n'debian99',\n'scratch'] }", 7),
    ],
)
def test_an_unknown_platform_is_told_in_its_own_line(tmp_path: Path, value: str, expected: int) -> None:
    platform = "[platform.mine]\ntargets = ['linux/amd64']\n"
    text = f"{platform}[[binary]]\npackage = './app'\n[binary.rules]\nruns-on = {value}\n"

    (line,) = mistakes(tmp_path, text)

    assert line.startswith(f'golink.toml:{expected}: runs-on: unknown platform "debian99"; ')


def test_the_file_s_own_platforms_and_known_ones_are_taken(tmp_path: Path) -> None:
    text = "[platform.mine]\nextends = 'debian12'\n[[binary]]\npackage = './app'\nrules.runs-on = ['mine', 'alpine']\n"

    policy = policy_of(tmp_path, text)

    assert policy.binaries[0].rules[0].parameters == {"platforms": ("mine", "alpine")}
    assert policy.platforms["mine"].libc == "glibc"


def test_a_long_name_is_cut_in_a_message(tmp_path: Path) -> None:
    (line,) = mistakes(tmp_path, f"[[binary]]\npackage = './app'\nrules.{'x' * 5000} = true\n")

    assert line == f'golink.toml:3: unknown rule "{"x" * 652}…(+4099)…{"x" * 249}"'


def test_every_wrong_parameter_of_one_rule_is_told_in_its_own_line(tmp_path: Path) -> None:
    text = """\
[policy.p.needs-libc]
kind = "glib"
at-most = 2.17
atmost = "2.17"
[[binary]]
package = "./app"
policy = "p"
"""

    assert mistakes(tmp_path, text) == [
        "golink.toml:2: needs-libc: kind: 'glib' is not one of glibc, musl, bionic, libSystem, bsd, solaris, aix, "
        'ucrt, msvcrt; did you mean "glibc"?',
        'golink.toml:3: needs-libc: at-most: 2.17 is not a version such as "2.17"',
        'golink.toml:4: needs-libc: unknown parameter "atmost"; did you mean "at-most"?; accepted: kind = one of '
        'glibc, musl, bionic, libSystem, bsd, solaris, aix, ucrt, msvcrt; at-most = a version such as "2.17"',
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("targts = ['linux/amd64']", ['4: unknown key "targts" in [[binary]]; did you mean "targets"?']),
        ("stripped = true", ['4: unknown key "stripped" in [[binary]]; write a rule as rules = { stripped = … }']),
        ("name = 'a::b'", [f'4: name: {NAME}, not "a::b"']),
        ("name = ''", [f'4: name: {NAME}, not ""']),
        ("policy = 1", ["4: policy: expected a name, or a list of at least one, not 1"]),
        ("policy = []", ["4: policy: expected a name, or a list of at least one, not an empty list"]),
        ("policy = [\n 'x',\n ]", ['5: unknown policy "x"']),
        ("policy = ['x', 2]", ["4: policy: expected a string that is not empty, not 2"]),
        ("targets = 'linux/amd64'", [f'4: targets: {TARGETS}, not "linux/amd64"']),
        ("targets = []", [f"4: targets: {TARGETS}, not an empty list"]),
        (
            "targets = [\n'linux/amd64',\n'linux/amd64']",
            ['6: targets: "linux/amd64" is written twice'],
        ),
        (
            "targets = ['linux/x86_64', 'Linux/amd64', 'linux']",
            [
                "4: target: expected GOOS/GOARCH, such as \"linux/arm64\", not 'Linux/amd64'",
                "4: targets: 'linux' is not GOOS/GOARCH in Go's words, such as \"linux/amd64\"",
                "4: targets: 'linux/x86_64' is not GOOS/GOARCH in Go's words, such as \"linux/amd64\"; "
                'did you mean "linux/amd64"?',
            ],
        ),
        ("cgo = 'yes'", ['4: cgo: expected true, false, or nothing for Go\'s default, not "yes"']),
        (
            "buildmode = 'pi'",
            [
                '4: buildmode: expected one of default, exe, pie, c-archive, c-shared, plugin, not "pi"; '
                'did you mean "pie"?'
            ],
        ),
        ("tags = [1]", ['4: tags: expected build tags such as "netgo", not 1']),
        ("env = { GOOS = 'linux' }", ["4: env: GOOS is what target= is for"]),
        (
            "linkmode = 'external'\nldflags = '-s -linkmode=internal'",
            ["5: ldflags: it has -linkmode already; give it once, in linkmode= or in ldflags="],
        ),
        (
            "race = 1\ntrimpath = 'x'",
            ["4: race: expected true or false, not 1", '5: trimpath: expected true or false, not "x"'],
        ),
        ("ids = ['a']", ["4: ids: only for a binary that golink does not build; this binary has a package"]),
        ("may-run = true", ["4: may-run: only for a binary that golink does not build; this binary has a package"]),
        ("path = 'dist/app'", [f"1: {SOURCE}: there are package and path"]),
        (
            "[binary.override]\ntargets = ['*']",
            ["4: override: expected a list of tables, not a table; write [[binary.override]]"],
        ),
        (
            "[[binary.override]]\ncgo = true",
            ['4: [[binary.override]] has no targets: a list of at least one pattern of targets, such as "windows/*"'],
        ),
        (
            "targets = ['linux/amd64']\n[[binary.override]]\ntargets = ['windows/*']\ncgo = true",
            ['6: override: "windows/*" matches none of the targets: linux/amd64'],
        ),
        (
            "[[binary.override]]\ntargets = ['linux/*']\ncgo = true",
            [
                '5: override: "linux/*" cannot be decided: without targets the binary is built for Go\'s default '
                "target, which depends on the machine; add targets"
            ],
        ),
        (
            "targets = ['linux/amd64']\n[[binary.override]]\ntargets = ['*']",
            ["5: [[binary.override]] changes nothing: it has neither rules nor build options"],
        ),
        (
            "targets = ['linux/amd64']\n[[binary.override]]\ntargets = ['linux']\npolicy = 'x'",
            [
                '6: targets: expected a pattern of targets, such as "windows/*", not "linux"',
                '7: unknown key "policy" in [[binary.override]]; there are targets, cgo, tags, ldflags, linkmode, '
                "extldflags, buildmode, trimpath, race, gcflags, asmflags, mod, modfile, overlay, pgo, cc, env, cwd, "
                "rules",
            ],
        ),
        (
            "targets = ['linux/amd64', 'linux/arm64']\n"
            "[[binary.override]]\ntargets = ['*/arm64']\nrules.static = false",
            ['1: "app" has no rules for linux/arm64'],
        ),
        (
            "targets = ['linux/amd64', 'linux/arm64']\nldflags = '-linkmode=internal'\n"
            "[[binary.override]]\ntargets = ['*']\nlinkmode = 'external'",
            ["5: ldflags: it has -linkmode already; give it once, in linkmode= or in ldflags="],
        ),
    ],
)
def test_a_binary_that_is_built(tmp_path: Path, lines: str, expected: list[str]) -> None:
    text = f"[[binary]]\npackage = './cmd/app'\nrules.static = true\n{lines}\n"

    assert mistakes(tmp_path, text) == [f"golink.toml:{line}" for line in expected]


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        ("-o", "2: package: '-o' is a flag"),
        (" ", '2: package: expected a string that is not empty, not " "'),
        (".", '2: package: "." does not tell a name; add name = "…"'),
        ("..", '2: package: ".." does not tell a name; add name = "…"'),
    ],
)
def test_a_package_that_cannot_be_built(tmp_path: Path, package: str, expected: str) -> None:
    text = f"[[binary]]\npackage = '{package}'\nrules.static = true\n"

    assert mistakes(tmp_path, text)[-1] == f"golink.toml:{expected}"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("path = '../app'", [f'3: path: "../app" {OUT}']),
        ("path = 'a/../../b'", [f'3: path: "a/../../b" {OUT}']),
        ("path = '/usr/bin/app'", [f'3: path: "/usr/bin/app" {OUT}']),
        ("path = '~/app'", [f'3: path: "~/app" {OUT}']),
        ("path = 'C:/app'", [f'3: path: "C:/app": {RELATIVE}']),
        ("path = 'dist\\app.exe'", [f'3: path: "dist\\app.exe": {RELATIVE}']),
        ('path = "a\\u0000b"', ['3: path: "a\\x00b" has characters that do not print']),
        ("path = []", ["3: path: expected a path, or a list of at least one, not an empty list"]),
        ("path = ['a',\n'../b',\n'a']", ['5: path: "a" is written twice']),
        ("path = ['a',\n'../b']", [f'4: path: "../b" {OUT}']),
        ("path = 'dist/*.zip!'", [f'3: path: "dist/*.zip!" {FORM}']),
        ("path = '!app'", [f'3: path: "!app" {FORM}']),
        ("path = 'a.zip!!c'", [f'3: path: "a.zip!!c" {FORM}']),
        ("path = 'a.zip!../b'", [f'3: path: "../b" {MEMBER}']),
        ("path = 'a.zip!/b'", [f'3: path: "/b" {MEMBER}']),
        ("path = 'a'\ncgo = true", ["4: cgo: only for a binary that golink builds; this binary has a path"]),
        (
            "path = 'a'\ntargets = ['linux/amd64']",
            ["4: targets: only for a binary that golink builds; this binary has a path"],
        ),
        ("path = 'a'\nids = ['x']", ["4: ids: they select from a goreleaser folder; this binary has a path"]),
        (
            "path = 'a'\n[[binary.override]]\ntargets = ['*']\ncgo = true",
            ["6: cgo: only for a binary that golink builds; this binary has a path"],
        ),
        (
            "path = 'a'\n[[binary.override]]\ntargets = ['linux/*']\nrules.static = false",
            ["4: this override switches every rule off"],
        ),
        ("goreleaser = '../dist'", [f'3: goreleaser: "../dist" {OUT}']),
        ("goreleaser = 'dist'\nids = []", ["4: ids: expected a list of at least one build id, not an empty list"]),
        (
            "goreleaser = 'dist'\ntrimpath = true",
            ["4: trimpath: only for a binary that golink builds; this binary has a goreleaser"],
        ),
        ("name = 'app'", [f"1: {SOURCE}: there is none"]),
    ],
)
def test_a_binary_that_is_there(tmp_path: Path, lines: str, expected: list[str]) -> None:
    text = f"[[binary]]\nrules.static = true\n{lines}\n"

    assert mistakes(tmp_path, text) == [f"golink.toml:{line}" for line in expected]
