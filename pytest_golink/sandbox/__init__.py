"""Programs that are run, for the rules that are about running, and for no other."""

from pytest_golink.sandbox.alone import Ran, Refusal, run_alone

__all__ = ["Ran", "Refusal", "run_alone"]
