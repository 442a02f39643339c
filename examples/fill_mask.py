"""Adapts an encoder to plain text, then fills gaps and scores sentences.

    python examples/fill_mask.py

It takes some minutes on a laptop's CPU. The preset's encoder comes without
a masked-LM head: the head starts from random weights and learns from these
few hundred words alone, so what it knows is this harbour.
"""

import argparse
import math
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow: faster kernels
import keras

CORPUS = pathlib.Path(__file__).parent / "data" / "harbour.txt"

GAPS = [
    "The harbour master closes the [MASK] when the tide is low.",
    "A [MASK] light on the south pier means the gate is [MASK].",
]
SENTENCES = [
    "The pilot boat waits outside the harbour.",
    "The pilot boat waits outside the herring.",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="minilm_l6_en_uncased")
    parser.add_argument("--epochs", type=int, default=60)
    args = parser.parse_args()

    keras.utils.set_random_seed(1)
    texts = zoo.MaskedTokenHead.read_file(CORPUS, {"text": None})
    model = zoo.TaskModel.from_preset(
        args.preset, head="masked_lm", top_k=3, sequence_length=32
    )
    before = model.evaluate(texts, return_dict=True, verbose=0)
    model.fit(texts, batch_size=12, epochs=args.epochs, verbose=0)
    after = model.evaluate(texts, return_dict=True, verbose=0)
    for name, measures in (("before", before), ("after", after)):
        print(
            f"{name:8}loss {measures['loss']:.2f}  accuracy "
            f"{measures['accuracy']:.2f}, at masked tokens of the same texts"
        )

    for answer in model.predict_text(GAPS):
        print(answer["filled_text"])
        for mask in answer["masks"]:
            found = (
                f"{token['token']} {token['probability']:.2f}"
                for token in mask["tokens"]
            )
            print(f"    {', '.join(found)}")

    scores = zoo.MaskedTokenHead.pseudo_log_likelihood(model, SENTENCES)
    for text, score in zip(SENTENCES, scores):
        mean = score["total"] / len(score["tokens"])
        print(f"{math.exp(mean):.3f} a token: {text}")

    # The adapted encoder, under a head for another task.
    with tempfile.TemporaryDirectory() as folder:
        adapted = pathlib.Path(folder) / "harbour"
        model.save_to_preset(adapted)
        classifier = zoo.TaskModel.from_preset(
            adapted, head="classification", labels=["sea", "land"]
        )
    print(f"ready to train: {classifier.name} with the adapted encoder")


if __name__ == "__main__":
    main()
