"""Records what Hugging Face `tokenizers` makes of strings that are hard.

Writes `tests/tokenization/wordpiece/expected_tokens.json`, which the default
tests compare all engines with, so that they do not need the library. Run from
the project's root:

    python -m tools.make_tokenizer_expectations
"""

import json
import pathlib

import tokenizers
from tokenizers import models
from tokenizers import normalizers
from tokenizers import pre_tokenizers

_PATH = pathlib.Path("tests/tokenization/wordpiece/expected_tokens.json")
_SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_WORDS = (
    "the un want cafe Cafe str new York hello Hello world an swer don is in "
    "##aff ##able ##ed ##ing ##s ##aße ##asse ##str ##x ##00 ##lo ##ld 20 "
    "naive ##ïve na über uber 한 ##국 日 本 ##語 ΣΑΣ σας при ##вет "
    "## ##, a.b [unused0]"
).split()
_VARIANTS = [
    {"lowercase": True, "strip_accents": None},
    {"lowercase": False, "strip_accents": None},
    {"lowercase": True, "strip_accents": False},
    {"lowercase": False, "strip_accents": True},
]

_TEXTS = [
    "",
    " ",
    " \t\r\n\u3000 ",
    "Hello, world!",
    "  hello   WORLD  ",
    "unwanted unaffable unaffables",
    "don't can't won't -- it's",
    "a.b.c ... (x) [y] {z} <w>",
    "[CLS] is text [MASK] [SEP] [unused0]",
    "## ##ing #a $5.00 100% a_b c^d `e` f~g |h|",
    "Café CAFÉ cafe\u0301 CAFE\u0301",
    "naïve NAÏVE nai\u0308ve über ÜBER",
    "straße STRASSE Straße ẞ",
    "İstanbul ıI iİ",
    "ΣΑΣ Σας σας Ὀδυσσεύς",
    "Привет, мир! ЁЛКА ёлка Й",
    "日本語のテキスト。中国",
    "豈更車 \uf900a\uf901 \U0002f800x",
    "中\u0301文a中b",
    "한국어 텍스트 각\u1100\u1161\u11a8",
    "ไทย ภาษาไทย",
    "हिन्दी भाषा क्षेत्र",
    "العربية مرحبا مُحَمَّد",
    "עברית שָׁלוֹם",
    "tiếng Việt ẤẨẪ",
    "ﬁ ﬂ ½ ™ … ① Ⅷ ａＢｃ ㎏",
    "emoji 😀👍🏽👨‍👩‍👧 🇩🇪 end",
    "zero\u200bwidth non\u200cjoiner joi\u200dner soft\u00adhyphen",
    "\ufeffbyte order \ufeffmark",
    "nul\x00inside bell\x07 del\x7f esc\x1b[0m",
    "next\x85line vertical\x0btab form\x0cfeed",
    "no\u00a0break thin\u2009space line\u2028sep para\u2029sep",
    "replacement\ufffdcharacter",
    "private\ue000use plane\U000f0000",
    "unassigned\u0378\u0379 \U000e0080x",
    "tag\U000e0041s variation\ufe0f selector\U000e0100",
    "«quoted» “quoted” ‘q’ „q‟ ‹q›",
    "dash – — ― ‐ − ~ minus",
    "¡hola! ¿qué? ·x· §1 ¶2",
    "currency $ € £ ¥ ₹ ¢",
    "math ≠ ≮ ≯ × ÷ ± √ ∑",
    "a\u0338 =\u0338 <\u0338",
    "\u037e \u1fef \u212a \u212b \u2126",
    "\u0340\u0341\u0343\u0344 a\u0344",
    "\u0958\u09dc\u0b5c",
    "\u1e9b\u0323 \u017f\u0307",
    "q\u0307\u0323 q\u0323\u0307",
    "\u1b05\u1b44\u1b34x \ua9c0\ua9b3y",
    "x\u302e\ua9c0y x\ua9c0\u302ey",
    "a\U0001d165\U0001d16d\u0323b",
    "\U0001d15e \U0001d160",
    "\U0001e944\U0001e94a \U0001e922",
    "Ǆ ǅ ǆ Ǉ ĳ Ĳ",
    "ᏣᎳᎩ Ა ა Ⴀ",
    "x" * 100,
    "x" * 101,
    "a " + "é" * 100 + " b",
    "é" * 101,
    "e\u0301" * 100,
    "aſb Kelvin K",
    "mixed 中a文b 한c국 日1本2",
    "https://example.com/a?b=c&d=é#f",
    "user.name+tag@example.co.uk",
    "2024-01-31T12:00:00Z 1,000.50 3.14e-10",
    "tab\tsep\tline\nbreak\r\nend",
    "C++ C# .NET a/b\\c",
    "ÀÁÂÃÄÅ àáâãäå ÇÈÉ Ñ ØÅÆ",
    "Łódź Ħ đ ŋ œ þ",
]


def main() -> None:
    vocabulary = _vocabulary()
    cases = []
    for variant in _VARIANTS:
        tokenizer = _tokenizer(vocabulary, **variant)
        for text in _TEXTS:
            encoding = tokenizer.encode(text, add_special_tokens=False)
            cases.append(
                {
                    "text": text,
                    **variant,
                    "ids": encoding.ids,
                    "starts": [start for start, _ in encoding.offsets],
                    "ends": [end for _, end in encoding.offsets],
                }
            )
    lines = ",\n".join(
        json.dumps(case, separators=(",", ":")) for case in cases
    )
    tokens = json.dumps(vocabulary, separators=(",", ":"))
    _PATH.write_text(
        f'{{"source": "tokenizers {tokenizers.__version__}",\n'
        f'"vocabulary": {tokens},\n"cases": [\n{lines}\n]}}\n',
        encoding="ascii",
    )
    print(f"{_PATH}: {len(cases)} cases, {_PATH.stat().st_size} bytes")


def _vocabulary() -> list[str]:
    """Returns some words, and most characters alone and inside a word."""
    characters = set()
    for variant in _VARIANTS:
        normalize = _normalizer(**variant).normalize_str
        for text in _TEXTS:
            characters.update(normalize(text))
    # The fifth left out makes words that cannot be spelled.
    known = [
        character for character in sorted(characters) if ord(character) % 5
    ]
    known += [chr(code) for code in range(ord("a"), ord("z") + 1)]
    tokens = _SPECIAL_TOKENS + _WORDS
    tokens += known + [f"##{character}" for character in known]
    return [
        token for token in dict.fromkeys(tokens) if token not in ("\n", "##\n")
    ]


def _normalizer(lowercase, strip_accents):
    return normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=strip_accents
    )


def _tokenizer(vocabulary, lowercase, strip_accents):
    ids = {token: index for index, token in enumerate(vocabulary)}
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = _normalizer(lowercase, strip_accents)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


if __name__ == "__main__":
    main()
