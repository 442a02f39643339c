"""The parts of a BERT encoder, in `keras.ops` alone, one class a file.

On TensorFlow, dropout also asks `tf.distribute` for its replica.
"""

from keras_bert_zoo.layers.attention_mask import AttentionMask
from keras_bert_zoo.layers.dropout import Dropout
from keras_bert_zoo.layers.embeddings import Embeddings
from keras_bert_zoo.layers.encoder_run import EncoderRun
from keras_bert_zoo.layers.feed_forward import FeedForward
from keras_bert_zoo.layers.layer_norm import LayerNorm
from keras_bert_zoo.layers.masked_lm_head import MaskedLMHead
from keras_bert_zoo.layers.next_sentence_head import NextSentenceHead
from keras_bert_zoo.layers.pooler import Pooler
from keras_bert_zoo.layers.self_attention import SelfAttention
from keras_bert_zoo.layers.sequence_mask import SequenceMask
from keras_bert_zoo.layers.sequence_packing import PackSequences
from keras_bert_zoo.layers.sequence_packing import UnpackSequences
from keras_bert_zoo.layers.transformer_block import TransformerBlock

__all__ = [
    "AttentionMask",
    "Dropout",
    "Embeddings",
    "EncoderRun",
    "FeedForward",
    "LayerNorm",
    "MaskedLMHead",
    "NextSentenceHead",
    "PackSequences",
    "Pooler",
    "SelfAttention",
    "SequenceMask",
    "TransformerBlock",
    "UnpackSequences",
]
