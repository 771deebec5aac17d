"""Programs that are run, for the rules that are about running, and for no others."""

from pytest_golink.sandbox.alone import MEMORY_BYTES, Ran, Refusal, run_alone

__all__ = ["MEMORY_BYTES", "Ran", "Refusal", "run_alone"]
