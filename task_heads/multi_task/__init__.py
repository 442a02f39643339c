"""Several heads that learn together on one encoder."""
