"""The commands on questions and contexts."""

import json

import pytest
import tensorflow as tf

from keras_bert_zoo import presets
from keras_bert_zoo import testing

QUESTIONS = {"who": ("anna", 0), "where": ("rome", 14), "when": (None, None)}
CONTEXT = "anna lives in rome"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("questions")
    tokenizer = testing.tiny_tokenizer([CONTEXT, *QUESTIONS])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary))
    presets.save_preset(encoder, tokenizer, folder / "preset")
    lines = []
    for question, (text, start) in QUESTIONS.items():
        answers = [{"text": text, "answer_start": start}] if text else []
        lines.append(
            json.dumps(
                {
                    "question": question,
                    "context": CONTEXT,
                    "answers": answers,
                }
            )
        )
    (folder / "train.jsonl").write_text("\n".join(lines * 8) + "\n")
    return folder


@pytest.mark.slow
def test_the_epoch_of_the_best_f1_is_kept(zoo, folder):
    trained = zoo(
        "train",
        "--head=span_qa",
        f"--preset={folder / 'preset'}",
        f"--train={folder / 'train.jsonl'}",
        f"--validation={folder / 'train.jsonl'}",
        f"--out={folder / 'model'}",
        "--epochs=4",
        "--learning-rate=0.02",
        "--batch-size=4",
    )
    assert trained.status == 0, trained.error
    (best,) = [
        line for line in trained.out.splitlines() if "best epoch" in line
    ]
    assert "by val_f1: " in best
    evaluated = zoo(
        "evaluate",
        folder / "model",
        f"--data={folder / 'train.jsonl'}",
        "--json",
    )
    found = json.loads(evaluated.out)
    # With the threshold that was tuned.
    assert f"val_f1 {found['f1']:.4f}" in best
    assert found["f1"] == found["best_f1"] > 30.0

    predicted = zoo(
        "predict", folder / "model", "--text=who", f"--text-pair={CONTEXT}"
    )
    assert predicted.status == 0, predicted.error
    (answer,) = map(json.loads, predicted.out.splitlines())
    assert answer["answer"] in CONTEXT
    exported = zoo(
        "export",
        folder / "model",
        "--format=saved_model",
        f"--out={folder / 'served'}",
    )
    assert exported.status == 0, exported.error
    served = tf.saved_model.load(str(folder / "served"))
    found = served.signatures["serving_default"](
        question=tf.constant(["who"]), context=tf.constant([CONTEXT])
    )
    assert found["answer"].numpy()[0].decode() == answer["answer"]
    assert found["no_answer_probability"].numpy()[0] == pytest.approx(
        answer["no_answer_probability"], abs=1e-5
    )


def test_a_file_that_is_cut_is_reported_in_one_line(zoo, folder):
    (folder / "cut.json").write_text('{"data": [{"paragraphs": [{"cont')
    outcome = zoo(
        "train",
        "--head=span_qa",
        f"--preset={folder / 'preset'}",
        f"--train={folder / 'cut.json'}",
        f"--out={folder / 'none'}",
    )
    assert outcome.status == 2
    assert "cut.json" in outcome.error
    assert "Traceback" not in outcome.error
    assert not (folder / "none").exists()
