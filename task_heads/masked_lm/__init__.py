"""Filling gaps in texts, and learning from plain texts by masking tokens."""
