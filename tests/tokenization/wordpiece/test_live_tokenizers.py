"""Live comparison with Hugging Face `tokenizers`, where it is installed."""

import pytest

from keras_bert_zoo.tokenization.wordpiece.vocabulary import Vocabulary

tokenizers = pytest.importorskip("tokenizers")

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
SURROGATES = range(0xD800, 0xE000)


def _reference(tokens, lowercase, strip_accents=None):
    reference = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            {token: index for index, token in enumerate(tokens)},
            unk_token="[UNK]",
            max_input_chars_per_word=100,
        )
    )
    reference.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents
    )
    reference.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return reference


def _rows(reference, texts):
    return [
        [
            (token_id, start, end)
            for token_id, (start, end) in zip(
                encoding.ids, encoding.offsets, strict=True
            )
        ]
        for encoding in reference.encode_batch(texts, add_special_tokens=False)
    ]


def _compare(make_engine, engine, codes, lowercase):
    """Tokenizes every character between two letters, and after a space."""
    texts = [f"a{chr(code)}b {chr(code)}" for code in codes]
    normalize = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase
    ).normalize_str
    characters = sorted({"a", "b", *normalize("".join(texts))})
    tokens = [
        *SPECIAL_TOKENS,
        *characters,
        *(f"##{character}" for character in characters),
    ]
    reference = _reference(tokens, lowercase)
    rows = make_engine(engine, lowercase, None, Vocabulary(tokens)).rows(texts)
    found = [[(row[0], row[3], row[4]) for row in text] for text in rows]
    expected = _rows(reference, texts)
    wrong = [
        f"U+{code:04X}"
        for code, one, other in zip(codes, found, expected, strict=True)
        if one != other
    ]
    assert not wrong


@pytest.mark.parametrize(
    "lowercase", [True, pytest.param(False, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("engine", ["python", "graph", "fast"])
def test_every_37th_code_point(make_engine, engine, lowercase):
    codes = [code for code in range(0, 0x20000, 37) if code not in SURROGATES]
    _compare(make_engine, engine, codes, lowercase)


@pytest.mark.slow
@pytest.mark.parametrize("plane", range(17))
@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("engine", ["python", "graph", "fast"])
def test_every_code_point(make_engine, engine, lowercase, plane):
    codes = [
        code
        for code in range(plane << 16, (plane + 1) << 16)
        if code not in SURROGATES
    ]
    _compare(make_engine, engine, codes, lowercase)
