"""`TaskModel` with the span QA head and its defaults."""

import json
import sys

import keras_bert_zoo as zoo
from benchmarks import harness
from benchmarks.span_qa_contenders import recipe
from keras_bert_zoo.training.optimizers.layerwise import AdamW


def prepare(cell: dict):
    questions = recipe.read("all", cell["num_questions"])
    model = make_model()
    if cell["work"] == "answer":
        pairs = [(q.question, q.context) for q in questions]
        return lambda: model.predict_text(pairs)
    rows = labeled(questions)
    # One optimizer for all passes: each is an epoch of a longer run.
    model.compile(optimizer=AdamW(recipe.LEARNING_RATE, recipe.WEIGHT_DECAY))
    return lambda: model.fit(rows, batch_size=recipe.BATCH_SIZE, verbose=0)


def make_model() -> zoo.TaskModel:
    return zoo.TaskModel.from_preset(
        "minilm_l6_en_uncased",
        head="span_qa",
        no_answer=False,
        doc_stride=recipe.SEQUENCE_LENGTH - recipe.OVERLAP,
        max_answer_length=recipe.MAX_ANSWER_LENGTH,
        sequence_length=recipe.SEQUENCE_LENGTH,
    )


def labeled(questions: list[recipe.Question]) -> zoo.MemoryExamples:
    return zoo.MemoryExamples(
        {
            "question": [q.question for q in questions],
            "context": [q.context for q in questions],
            "answers": [
                [
                    {"text": a["text"], "start": a["answer_start"]}
                    for a in q.answers
                ]
                for q in questions
            ],
        }
    )


def main(seed: int, limit: int | None, **in_fit) -> dict:
    import keras

    keras.utils.set_random_seed(seed)
    model = make_model()
    model.compile(
        learning_rate=recipe.LEARNING_RATE,
        weight_decay=recipe.WEIGHT_DECAY,
        warmup_fraction=recipe.WARMUP_FRACTION,
    )
    model.fit(
        labeled(recipe.read("train", limit)),
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.EPOCHS,
        seed=seed,
        verbose=0,
        **in_fit,
    )
    questions = recipe.read("test", limit)
    answers = model.predict_text([(q.question, q.context) for q in questions])
    return recipe.scores(questions, [answer["answer"] for answer in answers])


def run(**in_fit) -> None:
    """Prints what a contender with these arguments of `fit` gives."""
    seed, limit = map(int, sys.argv[1:3])
    print(json.dumps(main(seed, limit or None, **in_fit)))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        harness.serve(prepare)
    else:
        run()
