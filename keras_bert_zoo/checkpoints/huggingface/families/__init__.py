"""Families of published models, one file each, found by their `model_type`."""
