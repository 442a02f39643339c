"""The README.md of a model directory, as model hubs show it.

Source: https://huggingface.co/docs/hub/model-cards
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.presets.catalog import Provenance

# Head -> the hub's name of its task, and the class in `transformers`.
_TASKS = {
    "classification": ("text-classification", "SequenceClassification"),
    "tagging": ("token-classification", "TokenClassification"),
    "span_qa": ("question-answering", "QuestionAnswering"),
    "masked_lm": ("fill-mask", "MaskedLM"),
    "": ("feature-extraction", ""),
}


@dataclasses.dataclass(frozen=True)
class CardFacts:
    """What a model card says that the model itself does not know.

    Attributes:
        data: what it was trained and measured on: name -> fact.
        metrics: name -> number, on data that it was not trained on.
        hyperparameters: name -> value.
        limits: str. What it should not be used for.
    """

    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    hyperparameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    limits: str = ""


def model_card(
    name: str,
    *,
    head: str = "",
    head_config: Mapping[str, Any] | None = None,
    published: HeadWeights | None = None,
    is_bert: bool = True,
    provenance: Provenance,
    facts: CardFacts,
) -> str:
    """Returns the text of a model card.

    Args:
        name: str. Of the directory.
        head: str. Name of the head; empty for an encoder alone.
        head_config: the head's options.
        published: the head, where `transformers` has a class for it.
        is_bert: bool. Whether published BERT models compute what the encoder
            does.
        provenance: of the encoder that training began with.
        facts: what else is known.
    """
    same_elsewhere = is_bert and (published is not None or not head)
    header = _header(head, same_elsewhere, provenance, facts)
    based = f" Base model: `{provenance.base_model}`." * bool(
        provenance.base_model
    )
    what = "A BERT encoder" if is_bert else "An encoder"
    what += f" with the head `{head}`" * bool(head)
    parts = [f"{header}\n# {name}\n\n{what}.{based}\n"]
    options = {k: v for k, v in (head_config or {}).items() if v is not None}
    for title, values in (
        ("Task", options),
        ("Training data", facts.data),
        ("Metrics", facts.metrics),
        ("Hyperparameters", facts.hyperparameters),
    ):
        if values:
            parts.append(f"## {title}\n\n{_table(values)}")
    parts.append(f"## Limits\n\n{facts.limits or _LIMITS}\n")
    if provenance.license:
        parts.append(
            "## Licence\n\nThat of the base model's weights is "
            f"`{provenance.license}`.\n"
        )
    parts.append(_how_to_load(head, same_elsewhere, is_bert))
    return "\n".join(parts)


_LIMITS = (
    "Measured on no data but what is named above, if any. Texts of another "
    "language, domain or time may get worse answers, and answers repeat the "
    "biases of the texts that the model was trained on."
)


def _header(head, same_elsewhere, provenance, facts) -> str:
    import huggingface_hub

    data = huggingface_hub.ModelCardData(
        language=provenance.language or None,
        license=provenance.license or None,
        library_name="transformers" if same_elsewhere else "keras",
        pipeline_tag=_TASKS.get(head, ("",))[0] or None,
        base_model=provenance.base_model or None,
        metrics=list(facts.metrics) or None,
        tags=["bert", "keras"],
    )
    return f"---\n{data.to_yaml()}\n---\n"


def _table(values: Mapping[str, Any]) -> str:
    lines = ["| | |", "| --- | --- |"]
    for name, value in values.items():
        if isinstance(value, list | tuple):
            value = ", ".join(map(str, value))
        shown = f"{value:.4f}" if isinstance(value, float) else str(value)
        shown = " ".join(shown.split()).replace("|", "\\|")
        lines.append(f"| {name} | {shown} |")
    return "\n".join(lines) + "\n"


def _how_to_load(head: str, same_elsewhere: bool, is_bert: bool) -> str:
    load = "load_encoder"
    if head:
        load = "TaskModel.from_preset"
    elif is_bert:
        load = "BertEncoder.from_preset"
    parts = [
        "## How to load it\n\nWith keras-bert-zoo, in this directory:\n\n"
        "```python\nimport keras_bert_zoo as zoo\n\n"
        f'model = zoo.{load}(".")\n```\n'
    ]
    if same_elsewhere:
        name = f"AutoModelFor{_TASKS[head][1]}" if head else "AutoModel"
        parts.append(
            "With transformers:\n\n```python\nimport transformers\n\n"
            f'model = transformers.{name}.from_pretrained(".")\n'
            'tokenizer = transformers.AutoTokenizer.from_pretrained(".")\n'
            "```\n"
        )
    elif is_bert:
        parts.append(
            "No class of transformers has this head: "
            '`transformers.AutoModel.from_pretrained(".")` gives the encoder '
            "alone.\n"
        )
    else:
        parts.append(
            "No other library has this encoder: its options are in "
            "`config.json`.\n"
        )
    if head:
        parts.append(
            "For TensorFlow Serving and for TFLite, export it:\n\n"
            "    bert-zoo export . --format saved_model --out served\n"
            "    bert-zoo export . --format tflite --out mobile\n"
        )
    return "\n".join(parts)
