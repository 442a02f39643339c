"""Our model in a plain loop, every sequence padded to 384 tokens."""

import tensorflow as tf

from benchmarks import harness
from benchmarks.span_qa_contenders import keras_bert_zoo
from benchmarks.span_qa_contenders import recipe
from keras_bert_zoo.tokenization import pad

BATCH_SIZE = 32


def prepare(cell: dict):
    questions = recipe.read("all", cell["num_questions"])
    model = keras_bert_zoo.make_model()
    padding_id = model.tokenizer.padding_id

    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string)] * 2,
        autograph=False,
    )
    def answer(question, context):
        features = model.head.features(
            {"question": question, "context": context},
            model.tokenizer,
            recipe.SEQUENCE_LENGTH,
        )
        inputs = pad(
            features.inputs,
            padding_id=padding_id,
            sequence_length=recipe.SEQUENCE_LENGTH,
        )
        logits = model(inputs, training=False)
        return model.head.decode_texts(logits, features.decoding_context())

    def work():
        for start in range(0, len(questions), BATCH_SIZE):
            chosen = questions[start : start + BATCH_SIZE]
            answer(
                tf.constant([q.question for q in chosen]),
                tf.constant([q.context for q in chosen]),
            )

    return work


if __name__ == "__main__":
    harness.serve(prepare)
