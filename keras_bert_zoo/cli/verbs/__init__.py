"""The verbs of `bert-zoo`, one a file, found by their files."""
