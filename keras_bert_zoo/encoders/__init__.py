"""Encoders: functional Keras models, one file for each topology."""
