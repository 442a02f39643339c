"""Contenders that make pre-training examples of a corpus."""
