"""A PyTorch loop over transformers' BertForQuestionAnswering.

Batches are random in training, of like length in answering, and padded to
their longest sequence.
"""

import json
import math
import random
import sys

import numpy as np
import tokenizers
import torch
import transformers

from benchmarks import harness
from benchmarks.quality_contenders import pytorch_optimizer
from benchmarks.span_qa_contenders import recipe

# Where only the outcome counts, a batch is computed in parts of like length.
NUM_PARTS = 4


class Answerer:
    """Model and tokenizer.

    Args:
        source: str. Directory in Hugging Face's format.
        fixed: bool. Whether all sequences are padded to the longest length.
    """

    def __init__(self, source: str, fixed: bool = False):
        torch.set_num_threads(harness.NUM_THREADS)
        self.model = transformers.BertForQuestionAnswering.from_pretrained(
            source
        )
        # The head that was exported is one draw: draw anew for this seed.
        self.model.qa_outputs.weight.data.normal_(0.0, 0.02)
        self.model.qa_outputs.bias.data.zero_()
        self.fixed = fixed
        self.tokenizer = tokenizers.BertWordPieceTokenizer(
            f"{source}/vocab.txt", lowercase=True
        )
        self.tokenizer.enable_truncation(
            recipe.SEQUENCE_LENGTH,
            stride=recipe.OVERLAP,
            strategy="only_second",
        )

    def sequences(self, questions: list[recipe.Question]) -> list[tuple]:
        """Returns `(number of the question, encoding)` of each sequence."""
        encoded = self.tokenizer.encode_batch(
            [(q.question, q.context) for q in questions]
        )
        return [
            (number, part)
            for number, first in enumerate(encoded)
            for part in (first, *first.overflowing)
        ]

    def logits(self, batch: list):
        """Returns start and end logits `(B, S)` of encodings.

        Those of padding are no part of the loss, however much there is.
        """
        length = (
            recipe.SEQUENCE_LENGTH
            if self.fixed
            else max(len(part.ids) for part in batch)
        )
        inputs = np.zeros((3, len(batch), length), np.int64)
        for row, part in enumerate(batch):
            size = len(part.ids)
            inputs[0, row, :size] = part.ids
            inputs[1, row, :size] = part.type_ids
            inputs[2, row, :size] = 1
        ids, segments, mask = torch.from_numpy(inputs)
        found = self.model(
            input_ids=ids, token_type_ids=segments, attention_mask=mask
        )
        return tuple(
            logits.masked_fill(mask == 0, -math.inf)
            for logits in (found.start_logits, found.end_logits)
        )

    def train(
        self,
        questions: list[recipe.Question],
        optimizer,
        schedule,
        num_parts: int = 1,
    ):
        """Trains one epoch.

        Args:
            questions: what to learn.
            optimizer, schedule: PyTorch's.
            num_parts: int. Parts that a batch is computed in, each padded to
                its own longest sequence. The gradient is the same.
        """
        self.model.train()
        examples = [
            (part, *target(part, questions[number]))
            for number, part in self.sequences(questions)
        ]
        random.shuffle(examples)
        for chosen in batches(examples):
            if num_parts > 1:
                chosen.sort(key=lambda example: len(example[0].ids))
            optimizer.zero_grad()
            for some in batches(chosen, -(-len(chosen) // num_parts)):
                parts, first, last = zip(*some)
                losses = [
                    torch.nn.functional.cross_entropy(
                        logits, torch.tensor(places), reduction="sum"
                    )
                    for logits, places in zip(self.logits(parts), (first, last))
                ]
                (0.5 * sum(losses) / len(chosen)).backward()
            optimizer.step()
            schedule.step()

    def answer(self, questions: list[recipe.Question]) -> list[str]:
        """Returns the answers."""
        self.model.eval()
        sequences = self.sequences(questions)
        sequences.sort(key=lambda pair: len(pair[1].ids))
        best = [(-math.inf, "")] * len(questions)
        with torch.inference_mode():
            for chosen in batches(sequences, 32):
                logits = self.logits([part for _, part in chosen])
                starts, ends = (values.numpy() for values in logits)
                for row, (number, part) in enumerate(chosen):
                    score, first, last = best_span(
                        starts[row], ends[row], part.type_ids
                    )
                    if score > best[number][0]:
                        begin = part.offsets[first][0]
                        end = part.offsets[last][1]
                        text = questions[number].context[begin:end]
                        best[number] = (score, text)
        return [text for _, text in best]


def batches(examples: list, size: int = recipe.BATCH_SIZE) -> list[list]:
    return [examples[i : i + size] for i in range(0, len(examples), size)]


def context_ends(type_ids: list[int]) -> tuple[int, int]:
    """Returns first and last place of the context, without separators."""
    first = type_ids.index(1)
    return first, len(type_ids) - 2


def target(part, question: recipe.Question) -> tuple[int, int]:
    """Returns the places of the answer, `[CLS]` if it is not all there."""
    begin = question.answers[0]["answer_start"]
    end = begin + len(question.answers[0]["text"])
    first, last = context_ends(part.type_ids)
    inside = [
        place
        for place in range(first, last + 1)
        if part.offsets[place][1] > begin and part.offsets[place][0] < end
    ]
    if (
        not inside
        or part.offsets[inside[0]][0] > begin
        or part.offsets[inside[-1]][1] < end
    ):
        return 0, 0
    return inside[0], inside[-1]


def best_span(starts, ends, type_ids: list[int]) -> tuple:
    """Returns score, first and last place of the best span."""
    first, last = context_ends(type_ids)
    if last < first:
        return -math.inf, 0, 0
    pairs = starts[first : last + 1, None] + ends[None, first : last + 1]
    pairs = np.triu(pairs + 1e4) - np.triu(
        pairs + 1e4, recipe.MAX_ANSWER_LENGTH
    )
    place = int(pairs.argmax())
    start, end = divmod(place, pairs.shape[1])
    return float(pairs[start, end]), first + start, first + end


def prepare(cell: dict, fixed: bool = False):
    questions = recipe.read("all", cell["num_questions"])
    answerer = Answerer(cell["huggingface"], fixed)
    if cell["work"] == "answer":
        return lambda: answerer.answer(questions)
    steps = math.ceil(len(questions) / recipe.BATCH_SIZE)
    parts = pytorch_optimizer.make(answerer.model, recipe, 1000 * steps)
    return lambda: answerer.train(questions, *parts)


def main(seed: int, source: str, limit: int | None) -> dict:
    transformers.set_seed(seed)
    answerer = Answerer(source)
    questions = recipe.read("train", limit)
    steps = math.ceil(len(answerer.sequences(questions)) / recipe.BATCH_SIZE)
    parts = pytorch_optimizer.make(
        answerer.model, recipe, steps * recipe.EPOCHS
    )
    for _ in range(recipe.EPOCHS):
        answerer.train(questions, *parts, num_parts=NUM_PARTS)
    questions = recipe.read("test", limit)
    return recipe.scores(questions, answerer.answer(questions))


if __name__ == "__main__":
    if len(sys.argv) == 1:
        harness.serve(prepare)
    else:
        seed, limit, source = sys.argv[1:]
        print(json.dumps(main(int(seed), source, int(limit) or None)))
