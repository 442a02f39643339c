"""From labelled messages to two deployed classifiers: what `make demo` runs.

    python examples/demo.py

Fine-tunes a pretrained MiniLM encoder on customer messages, measures it on
messages it has not seen, exports it as a SavedModel and as a TFLite file, and
asks all three about a few new messages. Everything is written under
`demo_output`.
"""

import os
import pathlib
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's chatter

import keras_bert_zoo as zoo  # isort: skip, before TensorFlow: faster kernels
import keras
import numpy as np
import tensorflow as tf

# The interpreter advertises its successor, each time it is made.
warnings.filterwarnings("ignore", message=r"\s*Warning: tf.lite.Interpreter")

DATA = pathlib.Path(__file__).parent / "data"
OUTPUT = pathlib.Path("demo_output")
LABELS = ["negative", "neutral", "positive"]
NEW_MESSAGES = [
    "The courier was lovely and my lamp arrived in one piece!",
    "Which bus goes from the airport to your hotel?",
    "Two weeks of waiting and then the wrong sofa. Never again.",
    # Irony, which small models tend to miss.
    "Oh wonderful, the app has logged me out again.",
    # A language that the encoder was not trained for.
    "Das Paket ist gestern angekommen, vielen Dank.",
]


def main() -> None:
    started = time.monotonic()
    keras.utils.set_random_seed(1)
    model = fine_tune()
    saved_model = OUTPUT / "saved_model"
    tflite = OUTPUT / "tflite"
    export(model, saved_model, "saved_model")
    export(model, tflite, "tflite", quantize="dynamic_int8")
    compare(model, saved_model, tflite)
    print(f"\nDone in {time.monotonic() - started:.0f} s.")


def fine_tune() -> zoo.TaskModel:
    # Examples are read from the file as they are needed; the mapping says which
    # column holds the text and which the label.
    columns = {"text": "text", "label": "label"}
    train = zoo.FileExamples(DATA / "messages_train.tsv", columns)
    heldout = zoo.FileExamples(DATA / "messages_heldout.tsv", columns)

    model = zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="classification",
        labels=LABELS,
        sequence_length=128,
    )
    title(f"Fine-tuning {model.count_params() / 1e6:.1f} M parameters")
    model.fit(train, batch_size=16, epochs=4, verbose=2)

    title("On held-out messages")
    for name, value in model.evaluate(
        heldout, return_dict=True, verbose=0
    ).items():
        print(f"{name:10} {value:.3f}")

    # Weights, labels and vocabulary; `TaskModel.from_preset` reads it back.
    model.save_to_preset(OUTPUT / "preset", overwrite=True)
    return model


def export(model, directory: pathlib.Path, format: str, **options) -> None:
    # An export is compared with the live model before it is put in place.
    manifest = zoo.export(
        model, directory, format, overwrite=True, **options
    ).manifest
    title(f"Exported {directory}")
    size = sum(file["bytes"] for file in manifest["files"].values())
    print(f"{'size':10} {size / 1e6:.1f} MB")
    print(f"{'signatures':10} {', '.join(manifest['signatures'])}")
    print("largest difference from the live model, on difficult texts:")
    for name, value in manifest["verification"].items():
        if name in manifest["signatures"]:
            print(f"{'':10} {name}: {value:.0e}")


def compare(
    model: zoo.TaskModel, saved_model: pathlib.Path, tflite: pathlib.Path
) -> None:
    answers = model.predict_text(NEW_MESSAGES)
    live = [[answer["scores"][name] for name in LABELS] for answer in answers]
    served = saved_model_scores(saved_model)
    mobile = tflite_scores(model, tflite)

    title("New messages: live model, SavedModel, TFLite")
    for message, answer, *scores in zip(
        NEW_MESSAGES, answers, live, served, mobile
    ):
        best = LABELS.index(answer["label"])
        three = "  ".join(f"{row[best]:.3f}" for row in scores)
        print(f"{answer['label']:9} {three}  {message}")
    print(
        "largest difference from the live model: "
        f"SavedModel {np.abs(np.subtract(live, served)).max():.0e}, "
        f"TFLite (int8 weights) {np.abs(np.subtract(live, mobile)).max():.0e}"
    )


def saved_model_scores(directory: pathlib.Path) -> np.ndarray:
    # TensorFlow alone: neither Keras nor this library is needed.
    served = tf.saved_model.load(str(directory)).signatures["serving_default"]
    return served(text=tf.constant(NEW_MESSAGES))["scores"].numpy()


def tflite_scores(model: zoo.TaskModel, directory: pathlib.Path) -> list:
    # TFLite takes token ids: one text at a time, padded to 64 tokens.
    interpreter = tf.lite.Interpreter(str(directory / "model.tflite"))
    run = interpreter.get_signature_runner("tokens_64")
    tokenizer = model.tokenizer
    packed = tokenizer.pack([tokenizer.tokenize(NEW_MESSAGES)], 64)
    inputs = tokenizer.pad(packed.inputs, 64)
    scores = []
    for row in range(len(NEW_MESSAGES)):
        one = {k: v[row : row + 1].numpy() for k, v in inputs.items()}
        scores.append(run(**one)["scores"][0])
    return scores


def title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}", flush=True)


if __name__ == "__main__":
    main()
