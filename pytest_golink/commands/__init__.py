"""The commands of `golink`: one module for each, with `add_arguments(parser)` and `run(options)`."""
