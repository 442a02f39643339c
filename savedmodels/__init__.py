"""Exporters that come with the project, as plugins of the core."""
