"""What both stages do alike, whichever encoder they begin with."""

CORPUS = "ncbi_disease"
BATCH_SIZE = 32
SEQUENCE_LENGTH = 128
# Over all training sentences, without labels.
PASSES = 2
# A tenth of the training sentences, taken evenly.
NUM_LABELLED = 542
TAGGING_PASSES = 5
