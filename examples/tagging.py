"""Learns to find products, places and dates in customers' requests.

    python examples/tagging.py [--crf]

Trains on 90 requests with marked spans, which takes a few minutes, prints the
scores on 30 others and what it finds in new ones, and asks an exported
SavedModel the same.
"""

import argparse
import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow: faster kernels
import keras
import tensorflow as tf

DATA = pathlib.Path(__file__).parent / "data"
NEW_REQUESTS = [
    "The rocking chair should have been in Toulouse on 11 November.",
    "Do your cups come in blue, too?",
    "My neighbour in Kraków got my toolbox this morning!",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="minilm_l6_en_uncased")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument(
        "--crf", action="store_true", help="learn which tags follow each other"
    )
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    train = zoo.TaggingHead.read_file(DATA / "requests_train.jsonl", {})
    heldout = zoo.TaggingHead.read_file(DATA / "requests_heldout.jsonl", {})
    # Its labels are those of the spans in the data.
    head = zoo.TaggingHead.from_examples(train, crf=options.crf)
    model = zoo.TaskModel.from_preset(options.preset, head)
    model.fit(train, batch_size=8, epochs=options.epochs, verbose=2)

    scores = model.score(heldout)
    for name, score in {**scores["types"], "all": scores["micro"]}.items():
        print(
            f"{name:10}precision {score['precision']:.3f}  "
            f"recall {score['recall']:.3f}  F1 {score['f1']:.3f}  "
            f"of {score['support']}"
        )
    for text, answer in zip(NEW_REQUESTS, model.predict_text(NEW_REQUESTS)):
        print(text)
        for span in answer["spans"]:
            print(f"  {span['label']:8}{span['score']:.2f}  {span['text']}")

    with tempfile.TemporaryDirectory() as scratch:
        zoo.export(model, f"{scratch}/served", "saved_model")
        # TensorFlow alone reads it.
        served = tf.saved_model.load(f"{scratch}/served")
        found = served.signatures["serving_default"](
            text=tf.constant(NEW_REQUESTS)
        )
        print("served:", b", ".join(found["span"][0].numpy()).decode())


if __name__ == "__main__":
    main()
