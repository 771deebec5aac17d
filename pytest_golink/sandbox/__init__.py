"""Programs that are run, for the rules that are about running, and for no other."""

from pytest_golink.sandbox.alone import Ran, run_alone

__all__ = ["Ran", "run_alone"]
