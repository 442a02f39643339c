"""Keras callbacks that measure, record and guard a run."""
