"""Learns what customers want and the things they name, on one encoder.

    python examples/intent_and_slots.py

Trains two heads together on 90 requests, which takes a few minutes: a
request's intent, and its products, places and dates. Prints the scores on 30
others and what it finds in new ones, and asks an exported SavedModel the same.
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
    "When will my rocking chair arrive in Toulouse?",
    "The lid of the blue teapot broke on Sunday.",
    "My card was charged twice on 11 November!",
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="minilm_l6_en_uncased")
    parser.add_argument("--epochs", type=int, default=12)
    options = parser.parse_args()
    keras.utils.set_random_seed(1)

    train = zoo.MultiTaskHead.read_file(DATA / "requests_train.jsonl", {})
    heldout = zoo.MultiTaskHead.read_file(DATA / "requests_heldout.jsonl", {})
    # Each head finds its labels in the data: intents in the key "intent", and
    # spans, as a tagger alone would, in "spans".
    head = zoo.MultiTaskHead.from_examples(
        train, heads={"intent": "classification", "slots": "tagging"}
    )
    model = zoo.TaskModel.from_preset(options.preset, head)
    model.fit(train, batch_size=8, epochs=options.epochs, verbose=2)

    measured = model.evaluate(heldout, return_dict=True, verbose=0)
    print(f"intent    accuracy {measured['intent_accuracy']:.3f}")
    measured = model.score(heldout)
    print(f"frame     accuracy {measured['frame_accuracy']:.3f}")
    scores = measured["slots"]
    for name, score in {**scores["types"], "all": scores["micro"]}.items():
        print(
            f"{name:10}precision {score['precision']:.3f}  "
            f"recall {score['recall']:.3f}  F1 {score['f1']:.3f}  "
            f"of {score['support']}"
        )
    for text, answer in zip(NEW_REQUESTS, model.predict_text(NEW_REQUESTS)):
        spans = [
            f"{s['label']} {s['text']!r}" for s in answer["slots"]["spans"]
        ]
        print(f"{text}\n  {answer['intent']['label']}: {', '.join(spans)}")

    with tempfile.TemporaryDirectory() as scratch:
        zoo.export(model, f"{scratch}/served", "saved_model")
        # TensorFlow alone reads it.
        served = tf.saved_model.load(f"{scratch}/served")
        found = served.signatures["serving_default"](
            text=tf.constant(NEW_REQUESTS)
        )
        print("served:", b", ".join(found["intent_label"].numpy()).decode())


if __name__ == "__main__":
    main()
