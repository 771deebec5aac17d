"""The commands of `python -m pytest_golink`: a module a word."""
