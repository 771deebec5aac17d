"""
Other readers of the same bytes: LIEF in every reading, pyelftools and macholib with `--golink-crosscheck`.

What golink reports it reads itself, with every bound checked. LIEF reads the libraries of each ELF, Mach-O and PE image
beside it: the two must agree, or the image is refused.
"""
