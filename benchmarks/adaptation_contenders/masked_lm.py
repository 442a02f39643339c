"""MiniLM learns to predict masked tokens of unlabelled sentences.

    python -m benchmarks.adaptation_contenders.masked_lm SEED TRAINED LIMIT OUT

`TRAINED` is what learns: `head`, the new layers on the encoder as it was
published, or `all`.
"""

import json
import sys

import keras

import keras_bert_zoo as zoo
from benchmarks.adaptation_contenders import recipe
from benchmarks.tagging_contenders import recipe as sentences
from keras_bert_zoo.pretraining.corpus import Corpus
from keras_bert_zoo.pretraining.corpus import tokenize_documents
from keras_bert_zoo.pretraining.documents import Document
from keras_bert_zoo.pretraining.objective import CorpusExamples


def corpus(split: str, limit: int | None, tokenizer) -> Corpus:
    """Returns the sentences of a split, each a document."""
    texts = map(" ".join, sentences.read(recipe.CORPUS, split, limit).tokens)
    return tokenize_documents(
        (
            Document([text], f"{split}:{number}")
            for number, text in enumerate(texts, 1)
        ),
        tokenizer,
    )


def main(seed: int, trained: str, limit: int | None, out: str) -> dict:
    keras.utils.set_random_seed(seed)
    model = zoo.PretrainingModel.from_preset(
        "minilm_l6_en_uncased",
        pairs="none",
        sequence_length=recipe.SEQUENCE_LENGTH,
    )
    model.freeze_encoder = trained == "head"
    train, test = (
        corpus(split, limit, model.tokenizer) for split in ("train", "test")
    )
    counts = train.token_counts()
    model.objective.start_from(model, counts)
    model.compile()
    model.fit(
        train,
        batch_size=recipe.BATCH_SIZE,
        epochs=recipe.PASSES,
        seed=seed,
        verbose=0,
    )
    found = model.evaluate(
        test, batch_size=recipe.BATCH_SIZE, return_dict=True, verbose=0
    )
    frequencies = model.objective.baselines(
        counts,
        CorpusExamples(
            test, model.objective, model.tokenizer, recipe.SEQUENCE_LENGTH, 0
        ),
    )
    model.save_to_preset(out, overwrite=True)
    return {
        "perplexity": found["perplexity"],
        "accuracy": 100 * found["accuracy"],
        "perplexity_of_frequencies": frequencies["perplexity"],
        "accuracy_of_frequencies": 100 * frequencies["accuracy"],
    }


if __name__ == "__main__":
    seed, trained, limit, out = sys.argv[1:]
    print(json.dumps(main(int(seed), trained, int(limit) or None, out)))
