"""Scores an epoch on two workers whose held-out rows differ; prints it."""

import json

import two_devices

strategy = two_devices.strategy()

import keras_bert_zoo as zoo  # noqa: E402
from keras_bert_zoo import testing  # noqa: E402
from keras_bert_zoo.task.epoch_score import EpochScore  # noqa: E402
from task_heads.span_qa.head import SpanQAHead  # noqa: E402

ASKED = {"question": ["a ?"], "context": ["a b c"]}


def scored(model, rows):
    scorer = EpochScore(rows)
    scorer.set_model(model)
    logs = {}
    try:
        scorer.on_epoch_end(0, logs)
    except zoo.errors.InputError as error:
        return str(error)
    return logs


def main():
    with strategy.scope():
        tokenizer = testing.tiny_tokenizer(["a b c"])
        model = zoo.TaskModel(
            testing.tiny_encoder(len(tokenizer.vocabulary)),
            SpanQAHead(no_answer=False),
            tokenizer,
        )
    # What the model answers is right on the first worker, and wrong here.
    (answer,) = model.predict_text(zoo.MemoryExamples(ASKED))
    is_first = strategy.cluster_resolver.task_id == 0
    texts = {"a", "b", "c"} - {answer["answer"]}
    text = answer["answer"] if is_first else min(texts)
    found = {"text": text, "start": ASKED["context"][0].index(text)}
    rows = zoo.MemoryExamples({**ASKED, "answers": [[found]]})
    wrong = zoo.MemoryExamples(ASKED)
    print(
        json.dumps(
            {
                "own": model.score(rows)["f1"],
                "told": scored(model, rows),
                "mistake": scored(model, wrong if is_first else rows),
            }
        )
    )


if __name__ == "__main__":
    main()
