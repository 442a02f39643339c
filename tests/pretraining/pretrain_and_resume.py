"""Pre-trains with a backup after each step; somebody may kill it.

    python pretrain_and_resume.py OBJECTIVE DIRECTORY

Prints a digest of all weights' bits, and the history without times.
"""

import hashlib
import json
import sys

import keras
import small_corpus

import keras_bert_zoo as zoo
from keras_bert_zoo import testing

MEASURED = ("seconds", "tokens_per_second")


def main(name, directory):
    tokenizer = small_corpus.tokenizer()
    encoder = testing.tiny_encoder(tokenizer.vocabulary_size)
    keras.utils.set_random_seed(1)
    objective = (
        zoo.ReplacedTokens()
        if name == "replaced_tokens"
        else zoo.MaskedLM(pairs=name)
    )
    model = zoo.PretrainingModel(encoder, objective, tokenizer, 16)
    model.compile(learning_rate=1e-3)
    train, held_out = small_corpus.corpus(6).held_out(0.2, 0)
    history = model.fit(
        train,
        batch_size=4,
        # Parts of an epoch, as `pretrain` makes them.
        epochs=8,
        steps_per_epoch=3,
        validation_data=held_out,
        verbose=0,
        backup=zoo.Backup(directory, seconds=0),
    ).history
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(weight.tobytes())
    kept = {k: v for k, v in history.items() if k not in MEASURED}
    print(json.dumps({"weights": digest.hexdigest(), "history": kept}))


if __name__ == "__main__":
    main(*sys.argv[1:])
