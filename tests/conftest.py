"""What every test starts from."""

import os

# Before anything imports TensorFlow, which reads these once.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
