"""Unigram language models of SentencePiece: ALBERT's vocabularies."""
