"""Stages of continued pre-training: a model of a domain, then its tagger."""
