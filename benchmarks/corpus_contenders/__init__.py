"""Contenders that train a masked LM on a text file."""
