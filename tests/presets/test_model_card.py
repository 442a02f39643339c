"""The model card of a saved model, as model hubs read it."""

import huggingface_hub
import pytest

from keras_bert_zoo.presets import CardFacts
from keras_bert_zoo.presets import Provenance
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.registry import heads
from keras_bert_zoo.task.model import TaskModel

KNOWN = Provenance("someone/bert", "apache-2.0", "fi")


@pytest.fixture
def card(make_encoder, tokenizer, tmp_path):
    """Returns a function saving a model; gives the header and the text."""

    def make(head=None, facts=None, provenance=KNOWN, encoder=None, **options):
        encoder, path = make_encoder(**(encoder or {})), tmp_path / "bert"
        if head is None:
            save_preset(
                encoder, tokenizer, path, provenance=provenance, card=facts
            )
        else:
            model = TaskModel(encoder, heads.get(head)(**options), tokenizer)
            model.provenance = provenance
            model.save_to_preset(path, card=facts)
        loaded = huggingface_hub.ModelCard.load(path / "README.md")
        return loaded.data, loaded.text

    return make


@pytest.mark.parametrize(
    ("head", "options", "task", "loader"),
    [
        (
            "classification",
            {"labels": ["a", "b"]},
            "text-classification",
            "AutoModelForSequenceClassification",
        ),
        (
            "tagging",
            {"labels": ["O", "B-x"]},
            "token-classification",
            "AutoModelForTokenClassification",
        ),
        ("span_qa", {}, "question-answering", "AutoModelForQuestionAnswering"),
        ("masked_lm", {}, "fill-mask", "AutoModelForMaskedLM"),
        (None, {}, "feature-extraction", "AutoModel"),
    ],
)
def test_task_and_library_are_those_of_the_hub(
    card, head, options, task, loader
):
    header, text = card(head, **options)
    assert (header.pipeline_tag, header.library_name) == (task, "transformers")
    assert f"transformers.{loader}.from_pretrained" in text
    assert "bert-zoo export" in text or head is None
    assert "Base model: `someone/bert`" in text
    assert ", ".join(options.get("labels", ())) in text


@pytest.mark.parametrize(
    ("head", "options", "encoder"),
    [
        ("classification", {"labels": ["a", "b"], "pooling": "mean"}, {}),
        ("tagging", {"labels": ["O", "B-x"], "crf": True}, {}),
        ("span_qa", {}, {"position_offset": 2}),
        (None, {}, {"share_layers": True}),
    ],
    ids=str,
)
def test_what_no_class_of_transformers_has_is_said(
    card, head, options, encoder
):
    header, text = card(head, encoder=encoder, **options)
    assert header.library_name == "keras"
    assert "AutoModelFor" not in text


def test_known_facts_are_in_the_header(card):
    header, _ = card()
    assert header.base_model == KNOWN.base_model
    assert (header.license, header.language) == ("apache-2.0", "fi")


def test_unknown_facts_are_left_out(card):
    header, text = card(provenance=Provenance())
    assert not {"base_model", "license", "language", "metrics"} & set(
        header.to_dict()
    )
    assert "Licence" not in text


def test_given_facts_are_shown(card):
    facts = CardFacts(
        data={"train examples": 360},
        metrics={"accuracy": 0.87654, "f1": 0.5},
        hyperparameters={"note": "a | b\nc"},
        limits="Not for medicine.",
    )
    header, text = card("span_qa", facts)
    assert header.metrics == ["accuracy", "f1"]
    for row in ("train examples | 360", "accuracy | 0.8765", "a \\| b c"):
        assert f"{row} |" in text
    assert "Not for medicine." in text
