"""The objectives of this package; others come through entry points."""
