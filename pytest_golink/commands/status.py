"""The exit statuses of all commands: docs/command.md lists them."""

from __future__ import annotations

HOLDS = 0
# `check`: a rule is violated, or golink cannot tell; `diff`: linkage changed.
VIOLATED = 1
# A file cannot be read, or a question cannot be asked of it; nothing was written.
UNREADABLE = 2
# The command line is wrong: as pytest has it.
USAGE = 4
# What a shell shows for a process that SIGINT or SIGPIPE ended: 128 and the number of the signal.
INTERRUPTED = 130
BROKEN_PIPE = 141
