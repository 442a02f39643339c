"""Each head of the project, with rows that it can learn from."""

from keras_bert_zoo import testing
from keras_bert_zoo.task.model import TaskModel
from task_heads.classification.head import ClassificationHead
from task_heads.masked_lm.head import MaskedTokenHead
from task_heads.multi_task.head import MultiTaskHead
from task_heads.span_qa.head import SpanQAHead
from task_heads.tagging.head import TaggingHead

LABELS = ["bad", "good"]
TAGS = ["O", "B-city", "I-city"]
SENTENCES = [
    ["Is", "it", "in", "New", "York", "?"],
    ["No"],
    ["Ada", "went", "from", "Oslo", "to", "New", "York", "in", "May"] * 5,
]
TEXTS = [" ".join(words) for words in SENTENCES]


def _labelled(labels):
    return [
        {"text": text, "label": label} for text, label in zip(TEXTS, labels)
    ]


def _tags(words):
    return ["B-city" if word in ("Oslo", "York") else "O" for word in words]


_TAGGED = [{"tokens": words, "tags": _tags(words)} for words in SENTENCES]
HEADS = {
    "single label": (
        lambda: ClassificationHead(LABELS),
        _labelled(["good", "bad", "good"]),
    ),
    "several labels": (
        lambda: ClassificationHead(LABELS, kind="multi_label", pooling="mean"),
        _labelled([["good"], [], ["bad", "good"]]),
    ),
    "score": (
        lambda: ClassificationHead(kind="regression", pooling="max"),
        _labelled([0.5, -1.0, 2.0]),
    ),
    "pair": (
        lambda: ClassificationHead(
            LABELS, text_pair=True, class_weights={"bad": 2.0, "good": 0.5}
        ),
        [
            {**row, "text_pair": "No"}
            for row in _labelled(["good", "bad", "bad"])
        ],
    ),
    "tags": (lambda: TaggingHead(TAGS), _TAGGED),
    "chain of tags": (lambda: TaggingHead(TAGS, crf=True), _TAGGED),
    "span QA": (
        lambda: SpanQAHead(doc_stride=8, max_answer_length=4),
        [
            {
                "question": "Where ?",
                "context": text,
                "answers": [{"text": "York", "start": text.index("York")}]
                if "York" in text
                else [],
            }
            for text in TEXTS
        ],
    ),
    "masked LM": (
        lambda: MaskedTokenHead(),
        [{"text": text} for text in TEXTS],
    ),
    "several tasks": (
        lambda: MultiTaskHead(
            {
                "mood": ClassificationHead(LABELS),
                "slots": TaggingHead(TAGS, crf=True),
            }
        ),
        [
            {**row, "mood": mood, "slots": row["tags"]}
            for row, mood in zip(_TAGGED, ["good", "bad", "good"])
        ],
    ),
}


def make_model(head, **encoder) -> TaskModel:
    """Returns a tiny model that knows the words of the texts."""
    tokenizer = testing.tiny_tokenizer([*TEXTS, "Where"])
    encoder = testing.tiny_encoder(len(tokenizer.vocabulary), **encoder)
    return TaskModel(encoder, head, tokenizer)
