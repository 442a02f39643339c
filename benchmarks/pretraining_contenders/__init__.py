"""Contenders that do a masked-LM training step."""
