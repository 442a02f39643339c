"""Fine-tunes a model that answers questions from a text, and exports it.

    python examples/question_answering.py

Learns from 56 questions about invented notices, which takes a minute: enough
to see the whole way, not to answer questions about any text. For that, train
on SQuAD (the same command, `--train train-v2.0.json`).
"""

import os
import pathlib
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow: faster kernels
import keras

DATA = pathlib.Path(__file__).parent / "data"


def main(preset: str = "minilm_l6_en_uncased", epochs: int = 12) -> dict:
    """Returns the scores on the notices that were held out."""
    keras.utils.set_random_seed(0)
    train = zoo.SpanQAHead.read_file(DATA / "notices_train.json", {})
    heldout = zoo.SpanQAHead.read_file(DATA / "notices_heldout.json", {})
    model = zoo.TaskModel.from_preset(
        preset, head="span_qa", sequence_length=128
    )
    model.fit(train, batch_size=8, epochs=epochs, verbose=2)
    scores = model.score(heldout)
    for name, value in scores.items():
        print(f"{name:20}{value:.4g}")

    context = (
        "The night bus N7 runs every forty minutes from the harbour to the "
        "hospital. The last one leaves at 3:20. A ticket costs four crowns."
    )
    for question in (
        "When does the last bus leave?",
        "What does a ticket cost?",
        "Who drives the bus?",
    ):
        answer = model.predict_text(question, context)
        print(f"{question:32}{answer['answer'] or '-':20}{answer['score']:.2f}")

    with tempfile.TemporaryDirectory() as scratch:
        manifest = zoo.export(
            model, f"{scratch}/served", "saved_model"
        ).manifest
    inputs = manifest["signatures"]["serving_default"]["inputs"]
    print("served inputs:", ", ".join(info["name"] for info in inputs))
    return scores


if __name__ == "__main__":
    main()
