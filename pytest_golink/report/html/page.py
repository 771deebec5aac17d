"""The HTML document: what is read without JavaScript, the data, the style and the scripts, and what may run."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib import resources
from typing import TYPE_CHECKING

from pytest_golink.report.html.data import page_data
from pytest_golink.report.html.markup import escaped, summary

if TYPE_CHECKING:
    from pytest_golink.report.model import Report

# In this order they are one script.
_SCRIPTS = ("dom.js", "state.js", "matrix.js", "image.js", "drawing.js", "main.js")

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="pytest-golink">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header class="top">
<p class="brand"><a href="#">golink</a> <span>linkage report</span></p>
<button type="button" id="theme" class="scripted" aria-pressed="false">Dark</button>
</header>
<main id="main" tabindex="-1">
{summary}
</main>
<footer><p>Made {made} by pytest-golink. <span class="scripted">Keys: <kbd>/</kbd> searches, arrow keys move in a
matrix, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> goes back.</span></p></footer>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def html_report(report: Report, *, made: str) -> str:
    """
    Return the report as one HTML document.

    Its security policy lets nothing be loaded, and no script or style but its own be used. Names from images are text
    wherever they stand, escaped as in a terminal: what cannot be seen is shown as an escape.

    Args:
        report: The report.
        made: When, as people read it; nothing else in the document depends on the time.
    """
    style, script = _asset("report.css"), '"use strict";\n' + "".join(_asset(name) for name in _SCRIPTS)
    data = page_data(report)
    return _PAGE.format(
        policy=_policy(style, script),
        title=escaped(f"golink: {data['verdict']}"),
        style=style,
        summary=summary(report, data),
        made=escaped(made),
        data=_island(data),
        script=script,
    )


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    # Without 'unsafe-inline' a style or script that got in by some name's fault is not used; with trusted types no
    # string becomes markup. Source: W3C Content Security Policy Level 3; Trusted Types.
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _island(data: object) -> str:
    # ASCII, and no "<": neither "</script" nor "<!--" can stand in it.
    # Source: WHATWG HTML, 4.12.1.3, "Restrictions for contents of script elements".
    return json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("<", "\\u003c")
