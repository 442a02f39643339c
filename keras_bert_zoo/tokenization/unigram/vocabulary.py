"""Training of a unigram vocabulary, in the files of ALBERT's.

SentencePiece begins with the most frequent substrings of words, estimates how
probable each is, and drops those that cost the texts least, until the wanted
number is left. It learns from counted words here: the same as from the texts,
because no token spans two words. Its `spiece.model` is what tensorflow-text,
keras-hub and ALBERT's own code read; `tokenizer.json` says the same to
`tokenizers`.
"""

import io
import os
import pathlib
import tempfile
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import sentencepiece
import tokenizers
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_counts
from keras_bert_zoo.tokenization.trained_vocabulary import TrainedVocabulary
from keras_bert_zoo.tokenization.trained_vocabulary import fixed_tokens
from keras_bert_zoo.tokenization.trained_vocabulary import write_fast_files

MODEL_FILE = "spiece.model"
SPECIAL_TOKENS = ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]")
# Of all characters, the most frequent that make up so much of the texts.
CHARACTER_COVERAGE = 0.99995
# Sums depend on it in their last bits: the same on every machine.
_NUM_THREADS = 16
_ROLES = {
    "bos_token": "[CLS]",
    "cls_token": "[CLS]",
    "eos_token": "[SEP]",
    "mask_token": "[MASK]",
    "pad_token": "<pad>",
    "sep_token": "[SEP]",
    "unk_token": "<unk>",
}


class UnigramVocabulary(TrainedVocabulary):
    """The pieces of a unigram language model, as in ALBERT.

    Args:
        model: bytes. What `spiece.model` holds.
        cased: bool. Whether case and accents are kept.

    Source: Kudo, 2018 (arXiv:1804.10959); Lan et al., 2020
    (arXiv:1909.11942), for the special tokens.
    """

    def __init__(self, model: bytes, cased: bool):
        self._model = model
        self._cased = cased
        self._processor = sentencepiece.SentencePieceProcessor(
            model_proto=model
        )

    @classmethod
    def trained_on(
        cls,
        texts: Iterable[str],
        size: int,
        *,
        cased: bool | None = None,
        min_frequency: int = 2,
        reserved: Sequence[str] = (),
    ) -> "UnigramVocabulary":
        cased = bool(cased)
        fixed = fixed_tokens(SPECIAL_TOKENS, reserved)
        counts = word_counts.counted(_words_of(texts, _cleaner(cased)))
        written = io.BytesIO()
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / "words.tsv"
            with path.open("w", encoding="utf-8") as stream:
                for word, number in sorted(counts.items()):
                    stream.write(f"{word}\t{number}\n")
            try:
                sentencepiece.SentencePieceTrainer.train(
                    input=str(path),
                    input_format="tsv",
                    model_writer=written,
                    model_type="unigram",
                    vocab_size=size,
                    hard_vocab_limit=False,
                    character_coverage=CHARACTER_COVERAGE,
                    pad_id=0,
                    unk_id=1,
                    bos_id=-1,
                    eos_id=-1,
                    control_symbols=list(SPECIAL_TOKENS[2:]),
                    user_defined_symbols=list(reserved),
                    num_threads=_NUM_THREADS,
                    minloglevel=3,
                )
            except RuntimeError as error:
                reason = "the texts hold nothing to learn from"
                if "required_chars" in str(error):
                    reason = f"size={size}"
                raise InputError(
                    f"`size` must hold {len(fixed)} special and reserved "
                    "tokens, and the characters of some text. Received: "
                    f"{reason}. Raise it, or check the files."
                ) from error
        model = ModelProto.FromString(written.getvalue())
        # Where a temporary file was: other bytes each time.
        model.trainer_spec.ClearField("input")
        _drop_rare_pieces(model, counts, min_frequency)
        return cls(model.SerializeToString(deterministic=True), cased)

    @classmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        return (directory / MODEL_FILE).is_file()

    @property
    def num_tokens(self) -> int:
        return self._processor.vocab_size()

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `spiece.model`, `tokenizer.json`, and a config."""
        directory = pathlib.Path(directory)
        (directory / MODEL_FILE).write_bytes(self._model)
        write_fast_files(
            directory,
            self._fast_tokenizer(),
            {
                "tokenizer_class": "AlbertTokenizer",
                "do_lower_case": not self._cased,
                "keep_accents": self._cased,
                **_ROLES,
            },
        )

    def encoded(
        self, directory: pathlib.Path, sentences: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Sequence[int]]]]:
        clean = _cleaner(self._cased).normalize_str
        processor = sentencepiece.SentencePieceProcessor(
            model_file=str(directory / MODEL_FILE)
        )
        yield MODEL_FILE, processor.encode(list(map(clean, sentences)))

    def agree(self, ids: Sequence[int], other: Sequence[int]) -> bool:
        # The same pieces in another order are as probable, and either library
        # may choose either.
        return sorted(ids) == sorted(other)

    def _fast_tokenizer(self) -> tokenizers.Tokenizer:
        """Returns what the library `tokenizers` makes of the pieces."""
        model = ModelProto.FromString(self._model)
        tokenizer = tokenizers.Tokenizer(
            tokenizers.models.Unigram(
                [(one.piece, one.score) for one in model.pieces],
                unk_id=SPECIAL_TOKENS.index("<unk>"),
            )
        )
        tokenizer.normalizer = tokenizers.normalizers.Sequence(
            [
                *_cleaner(self._cased),
                tokenizers.normalizers.Precompiled(
                    model.normalizer_spec.precompiled_charsmap
                ),
            ]
        )
        marks = {"replacement": "▁", "prepend_scheme": "always"}
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence(
            [
                tokenizers.pre_tokenizers.WhitespaceSplit(),
                tokenizers.pre_tokenizers.Metaspace(**marks),
            ]
        )
        tokenizer.decoder = tokenizers.decoders.Metaspace(**marks)
        tokenizer.post_processor = tokenizers.processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[
                (token, SPECIAL_TOKENS.index(token))
                for token in ("[CLS]", "[SEP]")
            ],
        )
        tokenizer.add_special_tokens(
            [
                tokenizers.AddedToken(
                    token,
                    lstrip=token == _ROLES["mask_token"],
                    normalized=False,
                )
                for token in SPECIAL_TOKENS
            ]
        )
        tokenizer.add_tokens(
            [
                tokenizers.AddedToken(one.piece, normalized=False)
                for one in model.pieces
                if one.type == ModelProto.SentencePiece.USER_DEFINED
            ]
        )
        return tokenizer


def _cleaner(cased: bool) -> Any:
    """Returns what ALBERT does to texts before SentencePiece sees them."""
    steps = [
        tokenizers.normalizers.Replace("``", '"'),
        tokenizers.normalizers.Replace("''", '"'),
    ]
    if not cased:
        steps += [
            tokenizers.normalizers.NFKD(),
            tokenizers.normalizers.StripAccents(),
            tokenizers.normalizers.Lowercase(),
        ]
    return tokenizers.normalizers.Sequence(steps)


def _words_of(texts: Iterable[str], cleaner: Any) -> Iterator[Counter[str]]:
    """Yields the counts of each text's words: what stands between spaces."""
    for text in texts:
        yield Counter(cleaner.normalize_str(text).split())


def _drop_rare_pieces(
    model: ModelProto, counts: Counter[str], min_frequency: int
) -> None:
    """Removes what occurs less often in the words; single characters stay."""
    normalize = sentencepiece.SentencePieceProcessor(
        model_proto=model.SerializeToString()
    ).normalize
    missing = {
        one.piece: min_frequency
        for one in model.pieces
        if one.type == ModelProto.SentencePiece.NORMAL and len(one.piece) > 1
    }
    lengths = {len(piece) for piece in missing}
    for word, number in counts.most_common():
        if not missing:
            break
        word = normalize(word)
        for length in lengths:
            for start in range(len(word) - length + 1):
                piece = word[start : start + length]
                if piece in missing:
                    missing[piece] -= number
                    if missing[piece] <= 0:
                        del missing[piece]
    kept = [one for one in model.pieces if one.piece not in missing]
    del model.pieces[:]
    model.pieces.extend(kept)
    model.trainer_spec.vocab_size = len(kept)
