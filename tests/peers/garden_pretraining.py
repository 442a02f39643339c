"""What tf-models-official makes of a corpus, and of our files of examples.

Needs tf-models-official, and nothing of this project:

    python garden_pretraining.py make CORPUS VOCABULARY OUT LENGTH V2
    python garden_pretraining.py train PATTERN LENGTH HIDDEN VOCABULARY_SIZE

`make` writes examples, with newer keys where V2 is 1. `train` reads files with
its data loader and learns from them for some steps; it prints how often each
row of token ids is read, and the losses.
"""

import collections
import json
import random
import sys
import types

import tensorflow as tf
import tf_keras
from packaging import version

# tensorflow_hub asks it for this, and setuptools no longer has it.
sys.modules["pkg_resources"] = types.SimpleNamespace(
    parse_version=version.parse
)

from official.nlp.configs import bert  # noqa: E402
from official.nlp.configs import encoders  # noqa: E402
from official.nlp.data import create_pretraining_data  # noqa: E402
from official.nlp.data import pretrain_dataloader  # noqa: E402
from official.nlp.tasks import masked_lm  # noqa: E402
from official.nlp.tools import tokenization  # noqa: E402

STEPS = 30


def make(corpus, vocabulary, out, length, v2):
    tokenizer = tokenization.FullTokenizer(vocabulary, do_lower_case=True)
    instances = create_pretraining_data.create_training_instances(
        [corpus],
        tokenizer,
        create_pretraining_data.get_processor_text_fn(False, True),
        int(length),
        1,
        0.1,
        0.15,
        5,
        random.Random(1),
    )
    create_pretraining_data.write_instance_to_example_files(
        instances, tokenizer, int(length), 5, [out], False, v2 == "1"
    )


def train(pattern, length, hidden, vocabulary_size):
    def data(is_training):
        return pretrain_dataloader.BertPretrainDataConfig(
            input_path=pattern,
            global_batch_size=8,
            seq_length=int(length),
            max_predictions_per_seq=int(hidden),
            is_training=is_training,
            drop_remainder=is_training,
            seed=1,
        )

    encoder = encoders.BertEncoderConfig(
        vocab_size=int(vocabulary_size),
        num_layers=1,
        hidden_size=16,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=int(length),
    )
    task = masked_lm.MaskedLMTask(
        masked_lm.MaskedLMConfig(
            model=bert.PretrainerConfig(
                encoder=encoders.EncoderConfig(type="bert", bert=encoder),
                cls_heads=[
                    bert.ClsHeadConfig(
                        inner_dim=16, num_classes=2, name="next_sentence"
                    )
                ],
            ),
            train_data=data(True),
        )
    )
    model = task.build_model()
    metrics = task.build_metrics()
    optimizer = tf_keras.optimizers.Adam(0.01)
    batches = iter(task.build_inputs(data(True)))
    losses = [
        task.train_step(next(batches), model, optimizer, metrics)["loss"]
        for _ in range(STEPS)
    ]
    rows = collections.Counter(
        str(row)
        for batch in task.build_inputs(data(False))
        for row in batch["input_word_ids"].numpy().tolist()
    )
    print(json.dumps({"losses": [float(x) for x in losses], "rows": rows}))


if __name__ == "__main__":
    tf.random.set_seed(1)
    {"make": make, "train": train}[sys.argv[1]](*sys.argv[2:])
