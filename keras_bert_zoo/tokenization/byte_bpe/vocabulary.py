"""Training of a byte-level BPE vocabulary, in the files of RoBERTa's.

A text is its bytes, each written as a character; a word keeps the space before
it. Bytes that stand beside each other most often become one token, again and
again. All 256 bytes are in the vocabulary, so that no text is unknown and
decoding gives back every text.
"""

import os
import pathlib
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence

import tokenizers

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.tokenization import word_counts
from keras_bert_zoo.tokenization.trained_vocabulary import TrainedVocabulary
from keras_bert_zoo.tokenization.trained_vocabulary import fixed_tokens
from keras_bert_zoo.tokenization.trained_vocabulary import write_fast_files

SPECIAL_TOKENS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
VOCABULARY_FILE, MERGES_FILE = "vocab.json", "merges.txt"
_ROLES = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "eos_token": "</s>",
    "mask_token": "<mask>",
    "pad_token": "<pad>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
}


class ByteBPEVocabulary(TrainedVocabulary):
    """Pairs of bytes merged by their frequency, as in RoBERTa.

    Args:
        tokenizer: `tokenizers.Tokenizer`, trained.

    Source: Sennrich et al., 2016 (arXiv:1508.07909); Radford et al., 2019,
    for bytes; Liu et al., 2019 (arXiv:1907.11692), for the special tokens.
    """

    def __init__(self, tokenizer: tokenizers.Tokenizer):
        self._tokenizer = tokenizer

    @classmethod
    def trained_on(
        cls,
        texts: Iterable[str],
        size: int,
        *,
        cased: bool | None = None,
        min_frequency: int = 2,
        reserved: Sequence[str] = (),
    ) -> "ByteBPEVocabulary":
        if cased is False:
            raise InputError(
                "A byte-level BPE vocabulary keeps case: its files cannot say "
                "otherwise. Received: cased=False. Leave it out, or lower-case "
                "the texts beforehand."
            )
        alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
        fixed = fixed_tokens(SPECIAL_TOKENS, reserved)
        if len(fixed) + len(alphabet) > size:
            raise InputError(
                f"`size` must hold {len(fixed)} special and reserved tokens "
                f"and {len(alphabet)} bytes. Received: size={size}. Raise it."
            )
        counts = word_counts.counted(_words_of(texts))
        learner = tokenizers.Tokenizer(tokenizers.models.BPE())
        learner.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
        learner.train_from_iterator(
            word_counts.repeated(dict(sorted(counts.items()))),
            tokenizers.trainers.BpeTrainer(
                vocab_size=size,
                min_frequency=min_frequency,
                special_tokens=fixed,
                initial_alphabet=alphabet,
                show_progress=False,
            ),
        )
        return cls(_as_published(learner.model, reserved))

    @classmethod
    def recognizes(cls, directory: pathlib.Path) -> bool:
        return (directory / VOCABULARY_FILE).is_file() and (
            directory / MERGES_FILE
        ).is_file()

    @property
    def num_tokens(self) -> int:
        return self._tokenizer.get_vocab_size()

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `vocab.json`, `merges.txt`, `tokenizer.json`, and a config."""
        directory = pathlib.Path(directory)
        self._tokenizer.model.save(str(directory))
        write_fast_files(
            directory,
            self._tokenizer,
            {
                "tokenizer_class": "RobertaTokenizer",
                "add_prefix_space": False,
                **_ROLES,
            },
        )

    def encoded(
        self, directory: pathlib.Path, sentences: Sequence[str]
    ) -> Iterator[tuple[str, Sequence[Sequence[int]]]]:
        """Yields ids, having checked that they decode to the sentences.

        Raises:
            InputError: if a text is not given back.
        """
        rows = self._ids(self._tokenizer, sentences)
        for sentence, ids in zip(sentences, rows):
            decoded = self._tokenizer.decode(ids, skip_special_tokens=False)
            if decoded != sentence:
                raise InputError(
                    "Bytes must decode to the text that they are of. Received: "
                    f"{decoded!r:.80} for {sentence!r:.80}. Report this, "
                    "please."
                )
        yield "what was trained", rows
        names = (directory / name for name in (VOCABULARY_FILE, MERGES_FILE))
        model = tokenizers.models.BPE.from_file(*map(str, names))
        plain = _as_published(model, ())
        yield (
            f"{VOCABULARY_FILE} and {MERGES_FILE}",
            self._ids(plain, sentences),
        )

    @staticmethod
    def _ids(tokenizer, sentences):
        found = tokenizer.encode_batch(sentences, add_special_tokens=False)
        return [one.ids for one in found]


def _words_of(texts: Iterable[str]) -> Iterator[Counter[str]]:
    """Yields the counts of each text's words, as RoBERTa splits them."""
    splitter = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    for text in texts:
        yield Counter(word for word, _ in splitter.pre_tokenize_str(text))


def _as_published(model, reserved: Sequence[str]) -> tokenizers.Tokenizer:
    """Returns RoBERTa's tokenizer around a model.

    Where a special or reserved token is written out in a text, there it is the
    token itself; the mask takes the space before it.
    """
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
        add_prefix_space=False
    )
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.post_processor = tokenizers.processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")),
        ("<s>", tokenizer.token_to_id("<s>")),
        add_prefix_space=False,
    )
    tokenizer.add_special_tokens(
        [
            tokenizers.AddedToken(
                token, lstrip=token == _ROLES["mask_token"], normalized=False
            )
            for token in SPECIAL_TOKENS
        ]
    )
    tokenizer.add_tokens(
        [tokenizers.AddedToken(token, normalized=False) for token in reserved]
    )
    return tokenizer
