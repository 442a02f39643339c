"""Prints how many programs XLA compiles for the steps of `fit`.

In JSON: with fixed shapes, how many lengths these have, and with free ones.
"""

import json
import os
import pathlib
import tempfile

FOLDER = tempfile.TemporaryDirectory()
# Read once, by TensorFlow. A file for each program compiled.
os.environ["XLA_FLAGS"] = (
    f"--xla_dump_to={FOLDER.name} --xla_dump_hlo_as_text "
    "--xla_dump_hlo_module_re=differentiate"
)

from keras_bert_zoo import data  # noqa: E402
from keras_bert_zoo import testing  # noqa: E402
from keras_bert_zoo.task.model import TaskModel  # noqa: E402
from task_heads.classification.head import ClassificationHead  # noqa: E402

LENGTH = 80
TEXTS = [" ".join(["a"] * (8 * n + 1)) for n in range(10)]


def num_programs() -> int:
    folder = pathlib.Path(FOLDER.name)
    return len(list(folder.glob("*.before_optimizations.txt")))


def num_compiled(**options) -> int:
    tokenizer = testing.tiny_tokenizer(TEXTS)
    model = TaskModel(
        testing.tiny_encoder(
            len(tokenizer.vocabulary), max_sequence_length=LENGTH
        ),
        ClassificationHead(["bad", "good"]),
        tokenizer,
    )
    model.compile(jit_compile=True)
    before = num_programs()
    labels = ["bad", "good"] * (len(TEXTS) // 2)
    model.fit(TEXTS, labels, batch_size=2, epochs=2, verbose=0, **options)
    return num_programs() - before


found = [
    num_compiled(),
    len(data.default_bucket_lengths(LENGTH)),
    num_compiled(fixed_shapes=False),
]
print(json.dumps(found))
