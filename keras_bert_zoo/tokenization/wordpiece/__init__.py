"""BERT's WordPiece: the specification in Python, and two TensorFlow engines."""
