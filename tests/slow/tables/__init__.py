"""The tables of symbols, written from the files of the systems that they describe."""
