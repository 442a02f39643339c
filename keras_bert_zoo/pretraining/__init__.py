"""Pre-training: documents, examples, objectives, and the model that learns."""
