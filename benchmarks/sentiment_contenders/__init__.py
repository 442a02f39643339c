"""Ways to tell the sentiment of sentences from what a corpus says."""
