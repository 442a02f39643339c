"""What a tokenizer promises, held against what it does."""

import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_bert_zoo import feature_names
from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import Tokenizer
from keras_bert_zoo.tokenization import TokenSpans

# Beside the caller's: none, spaces, accents, no spaces between words, marks.
_TEXTS = ("", "  ", "Café, naïve!", "東京で", "a-b (c). d")


def check_tokenizer(tokenizer: Tokenizer, texts: Sequence[str] = ()) -> None:
    """Checks a tokenizer against the contract of `Tokenizer`.

    Args:
        tokenizer: the tokenizer.
        texts: of the kind that it is for, beside a few hard ones.

    Raises:
        AssertionError: if a promise is broken, naming it.
    """
    texts = tf.constant([*_TEXTS, *texts])
    _expect(
        tokenizer.name and tokenizer.name == type(tokenizer).name,
        "a class-level `name`",
    )
    spans = tokenizer.tokenize_with_offsets(texts)
    _check_ids(tokenizer, texts, spans)
    _check_offsets(texts, spans)
    _check_words(tokenizer, texts, spans)
    _check_vocabulary(tokenizer)
    for num_segments in (1, 2):
        _check_packing(tokenizer, [spans.ids] * num_segments)
    _check_copies(tokenizer, texts)


def _check_ids(tokenizer, texts, spans) -> None:
    ids = tokenizer.tokenize(texts)
    _expect(
        ids.dtype == tf.int32 and ids.to_list() == spans.ids.to_list(),
        "`tokenize` to give the int32 ids of `tokenize_with_offsets`",
    )
    known = ids.flat_values.numpy()
    _expect(
        ((known >= 0) & (known < tokenizer.vocabulary_size)).all(),
        "ids from 0 to the vocabulary's size",
    )
    (inside,) = tf.data.Dataset.from_tensors(texts).map(tokenizer.tokenize)
    _expect(
        inside.to_list() == ids.to_list(), "the same ids eagerly and in tf.data"
    )
    graph = tokenizer.with_engine("graph")
    _expect(
        graph.tokenize(texts).to_list() == ids.to_list(),
        'the same ids from the engine "graph"',
    )
    try:
        tokenizer.with_engine("no such engine")
    except InputError:
        return
    _expect(False, "unknown engines to be refused")


def _check_offsets(texts, spans: TokenSpans) -> None:
    columns = {
        field.name: getattr(spans, field.name).to_list()
        for field in dataclasses.fields(spans)
    }
    for row, raw in enumerate(texts.numpy()):
        text = raw.decode()
        previous = 0
        for start, end, byte_start, byte_end in zip(
            *(
                columns[name][row]
                for name in (
                    "char_starts",
                    "char_ends",
                    "byte_starts",
                    "byte_ends",
                )
            ),
            strict=True,
        ):
            _expect(
                raw[byte_start:byte_end].decode() == text[start:end],
                f"bytes and characters of {text!r} to mark the same span",
            )
            _expect(
                previous <= start < end <= len(text),
                f"tokens of {text!r} to rise and to have characters",
            )
            previous = start


def _check_words(tokenizer, texts, spans) -> None:
    begins = tokenizer.word_starts(texts, spans).numpy()
    _expect(
        begins.shape == spans.ids.flat_values.shape and begins.dtype == bool,
        "`word_starts` to give a bool for each token",
    )
    first = spans.ids.row_starts().numpy()[spans.ids.row_lengths().numpy() > 0]
    _expect(begins[first].all(), "the first token of a text to begin a word")


def _check_vocabulary(tokenizer) -> None:
    size = tokenizer.vocabulary_size
    special = {tokenizer.padding_id, tokenizer.mask_id}
    special |= {
        one for group in tokenizer.template(2).special_tokens for one in group
    }
    _expect(
        all(0 <= one < size for one in special), "special tokens to have ids"
    )
    maskable = tokenizer.maskable_tokens()
    _expect(
        maskable.shape == (size,) and maskable.dtype == bool,
        "`maskable_tokens` to give a bool for each token",
    )
    _expect(not maskable[list(special)].any(), "special tokens not maskable")
    _expect(
        len(tokenizer.token_texts()) == size,
        "`token_texts` to give a text for each token",
    )


def _check_packing(tokenizer, segments) -> None:
    num_special = tokenizer.num_special_tokens(len(segments))
    length = num_special + 5
    packed = tokenizer.pack(segments, length)
    lengths = packed.token_ids.row_lengths().numpy()
    total = sum(segment.row_lengths().numpy() for segment in segments)
    _expect(
        np.array_equal(lengths, np.minimum(total, 5) + num_special),
        "`pack` to fill sequences up to the length",
    )
    _expect(
        np.array_equal(packed.num_truncated, np.maximum(total - 5, 0)),
        "`pack` to count what it cuts",
    )
    _expect(
        all(
            values.row_lengths().numpy().tolist() == lengths.tolist()
            for values in packed.inputs.values()
        ),
        "`pack` to give one value per token",
    )
    template = tokenizer.template(len(segments))
    _expect(
        len(template.special_tokens[0]) > 0,
        "a special token to begin each sequence",
    )
    ids = packed.token_ids.to_list()
    for segment, starts in zip(segments, packed.segment_starts, strict=True):
        for row, start in enumerate(starts.numpy()):
            kept = segment[row].numpy().tolist()[:1]
            is_kept = len(kept) and lengths[row] - num_special == total[row]
            _expect(
                not is_kept or ids[row][start : start + 1] == kept,
                "`segment_starts` to tell where segments begin",
            )
    try:
        tokenizer.pack(segments, num_special - 1)
    except InputError:
        return
    _expect(False, "sequences without room for special tokens to be refused")


def _check_copies(tokenizer, texts) -> None:
    ids = tokenizer.tokenize(texts).to_list()
    config = json.loads(json.dumps(tokenizer.get_config()))
    twin = type(tokenizer).from_config(config)
    _expect(
        twin.get_config() == tokenizer.get_config()
        and twin.tokenize(texts).to_list() == ids,
        "`from_config(get_config())` to give the same tokenizer, through JSON",
    )
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        _expect(
            not type(tokenizer).recognizes(path),
            "an empty directory not to be recognized",
        )
        tokenizer.save(path)
        _expect(
            type(tokenizer).recognizes(path), "what is saved to be recognized"
        )
        loaded = type(tokenizer).load(path)
    _expect(
        loaded.description() == tokenizer.description()
        and loaded.tokenize(texts).to_list() == ids,
        "`load` to give what was saved",
    )
    bare = tokenizer.for_encoder([feature_names.TOKEN_IDS])
    _expect(
        set(bare.pack([tokenizer.tokenize(texts)], 32).inputs)
        == {feature_names.TOKEN_IDS},
        "`for_encoder` to leave out what an encoder does not read",
    )


def _expect(promise, rule: str) -> None:
    if not promise:
        raise AssertionError(f"The tokenizer contract wants {rule}.")
