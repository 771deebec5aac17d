"""golink runs a program here, only for the rules about running one."""

from pytest_golink.sandbox.alone import MEMORY_BYTES, Ran, Refusal, run_alone

__all__ = ["MEMORY_BYTES", "Ran", "Refusal", "run_alone"]
