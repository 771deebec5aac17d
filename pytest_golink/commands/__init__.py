"""The commands of `golink`: a module a word, with `add_arguments(parser)` and `run(options)`."""
