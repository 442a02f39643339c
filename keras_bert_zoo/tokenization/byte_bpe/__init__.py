"""Byte-level BPE: RoBERTa's vocabularies."""
