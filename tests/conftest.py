"""What every test starts from: none of the caller's settings."""

import gc
import os

# Before anything imports TensorFlow or Keras, which read them once.
for _name in (
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "TF_CONFIG",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
):
    os.environ.pop(_name, None)
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# Keras reads `keras.json` there, or from the home directory.
os.environ["KERAS_HOME"] = os.devnull


def pytest_collection_finish():
    """Spares the collector what all tests share: modules and their code."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
