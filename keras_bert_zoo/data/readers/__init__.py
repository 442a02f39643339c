"""Readers of files, one file a format; `formats` knows which by its name."""
