"""A small pipeline of real files: numbers from a corpus of text files, a filter with three outputs, a sum."""
