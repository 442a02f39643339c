"""keras-hub presets, compared with keras-hub's own encoder."""

import json

import numpy as np
import pytest
from checkpoint_parts import load_checkpoint

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.presets import save_preset
from keras_bert_zoo.registry import heads
from keras_bert_zoo.task.model import TaskModel

keras_hub = pytest.importorskip("keras_hub")


@pytest.fixture
def backbone():
    encoder = keras_hub.models.BertBackbone(
        vocabulary_size=13,
        num_layers=2,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=12,
        dropout=0.2,
        max_sequence_length=10,
    )
    generator = np.random.default_rng(3)
    for weight in encoder.weights:
        noise = 0.4 * generator.standard_normal(weight.shape)
        weight.assign(noise + float("gamma" in weight.path))
    return encoder


def test_outputs_equal_keras_hub(backbone, run, inputs, tmp_path):
    backbone.save_to_preset(tmp_path)
    expected = run(backbone, inputs)
    found = run(load_checkpoint(tmp_path).encoder, inputs)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-5)


@pytest.mark.parametrize("head", [None, "classification", "tagging"])
def test_keras_hub_opens_what_is_saved(
    make_encoder, tokenizer, run, inputs, tmp_path, head
):
    # keras-hub computes this activation and epsilon, whatever is stated.
    encoder = make_encoder(activation="gelu_approximate")
    if head is None:
        save_preset(encoder, tokenizer, tmp_path / "model")
    else:
        head = heads.get(head)(labels=["O", "B-x"])
        model = TaskModel(encoder, head, tokenizer)
        model.save_to_preset(tmp_path / "model")
    theirs = keras_hub.models.BertBackbone.from_preset(str(tmp_path / "model"))
    expected = run(encoder, inputs)
    for name, value in run(theirs, inputs).items():
        np.testing.assert_allclose(value, expected[name], atol=1e-5)


def test_architecture_is_what_keras_hub_computes(backbone, tmp_path):
    backbone.save_to_preset(tmp_path)
    config = load_checkpoint(tmp_path).encoder.get_config()
    assert config["activation"] == "gelu_approximate"
    assert config["layer_norm_epsilon"] == 1e-12
    assert config["dropout"] == config["attention_dropout"] == 0.2


@pytest.mark.parametrize("lowercase", [True, False])
def test_tokenizer_is_read(backbone, vocabulary_tokens, tmp_path, lowercase):
    backbone.save_to_preset(tmp_path)
    keras_hub.models.BertTokenizer(
        vocabulary=vocabulary_tokens(13), lowercase=lowercase
    ).save_to_preset(tmp_path)
    tokenizer = load_checkpoint(tmp_path).tokenizer
    assert tokenizer.vocabulary.tokens == tuple(vocabulary_tokens(13))
    assert tokenizer.lowercase is lowercase


def test_classifier_is_read(backbone, run, inputs, tmp_path):
    classifier = keras_hub.models.BertTextClassifier(backbone, num_classes=3)
    classifier.save_to_preset(tmp_path)
    checkpoint = load_checkpoint(tmp_path)
    pooled = run(checkpoint.encoder, inputs)["pooled_output"]
    weights = checkpoint.head.weights
    logits = pooled @ weights["kernel"] + weights["bias"]
    np.testing.assert_allclose(logits, classifier(inputs), atol=1e-5)


def test_classifier_is_a_task_model(
    backbone, vocabulary_tokens, inputs, tmp_path
):
    classifier = keras_hub.models.BertTextClassifier(backbone, num_classes=3)
    classifier.save_to_preset(tmp_path)
    keras_hub.models.BertTokenizer(
        vocabulary=vocabulary_tokens(13), lowercase=True
    ).save_to_preset(tmp_path)
    model = TaskModel.from_preset(tmp_path)
    assert model.head.labels_by_index == ["LABEL_0", "LABEL_1", "LABEL_2"]
    np.testing.assert_allclose(model(inputs), classifier(inputs), atol=1e-5)


def test_other_architecture_is_refused(backbone, tmp_path):
    backbone.save_to_preset(tmp_path)
    path = tmp_path / "config.json"
    config = json.loads(path.read_text())
    config["registered_name"] = "keras_hub>RobertaBackbone"
    path.write_text(json.dumps(config))
    with pytest.raises(InputError, match="must describe a BertBackbone"):
        load_checkpoint(tmp_path)


def test_missing_weights_are_refused(backbone, tmp_path):
    backbone.save_to_preset(tmp_path)
    (tmp_path / "model.weights.h5").unlink()
    with pytest.raises(InputError, match="could not be loaded"):
        load_checkpoint(tmp_path)


def test_name_is_passed_to_keras_hub(monkeypatch, backbone, vocabulary_tokens):
    asked = []
    tokenizer = keras_hub.models.BertTokenizer(
        vocabulary=vocabulary_tokens(13), lowercase=True
    )

    def answering(value):
        def from_preset(name, **options):
            asked.append(name)
            return value

        return from_preset

    models = keras_hub.models
    encoder = answering(backbone)
    monkeypatch.setattr(models.BertBackbone, "from_preset", encoder)
    monkeypatch.setattr(
        models.BertTokenizer, "from_preset", answering(tokenizer)
    )
    checkpoint = load_checkpoint("keras_hub:bert_base_en")
    assert asked == ["bert_base_en", "bert_base_en"]
    assert checkpoint.report.origin == "bert_base_en"


def test_network_failure_names_the_remedy(monkeypatch):
    def from_preset(name, **options):
        raise ConnectionError("Name or service not known\nand more")

    monkeypatch.setattr(
        keras_hub.models.BertBackbone, "from_preset", from_preset
    )
    with pytest.raises(InputError, match="download the preset elsewhere"):
        load_checkpoint("keras_hub:bert_base_en")
