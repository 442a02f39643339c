"""Backups of a run, and how it resumes from them."""
