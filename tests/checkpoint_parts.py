"""What the one door gives of a checkpoint, part by part."""

import os
from typing import NamedTuple

from keras_bert_zoo.checkpoints import HeadWeights
from keras_bert_zoo.checkpoints import LoadReport
from keras_bert_zoo.encoders.bert import BertEncoder
from keras_bert_zoo.presets import Preset
from keras_bert_zoo.tokenization.wordpiece.tokenizer import BertTokenizer


class Checkpoint(NamedTuple):
    encoder: BertEncoder
    tokenizer: BertTokenizer | None
    heads: tuple[HeadWeights, ...]
    report: LoadReport

    @property
    def head(self):
        return self.heads[0]


def load_checkpoint(
    source: str | os.PathLike, kind: str | None = None
) -> Checkpoint:
    preset = Preset(source, kind)
    kinds = [head.kind for head in preset.contents.heads]
    tokenizer = preset.tokenizer_or_none()
    encoder = preset.encoder()
    heads = tuple(preset.head(one) for one in kinds)
    return Checkpoint(encoder, tokenizer, heads, preset.report)
