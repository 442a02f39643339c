"""BERT: the names of `BertModel` and `BertConfig`.

Source: `transformers`, BERT modelling and configuration code.
"""

from keras_bert_zoo.checkpoints.huggingface.family import Family
from keras_bert_zoo.checkpoints.rules import TRANSPOSED
from keras_bert_zoo.checkpoints.rules import Rule

_OURS = "transformer_block_{i}"
_THEIRS = "encoder.layer.{i}"
_SELF = f"{_THEIRS}.attention.self"
_PREDICTIONS = "cls.predictions"

_RULES = (
    Rule("embeddings/token_embedding", ("embeddings.word_embeddings.weight",)),
    Rule(
        "embeddings/position_embedding",
        ("embeddings.position_embeddings.weight",),
    ),
    Rule(
        "embeddings/segment_embedding",
        ("embeddings.token_type_embeddings.weight",),
    ),
    Rule("embeddings/layer_norm/gamma", ("embeddings.LayerNorm.weight",)),
    Rule("embeddings/layer_norm/beta", ("embeddings.LayerNorm.bias",)),
    # Of embeddings with a width of their own, which no published BERT has.
    Rule(
        "embeddings/projection/kernel",
        ("embeddings_project.weight",),
        TRANSPOSED,
    ),
    Rule("embeddings/projection/bias", ("embeddings_project.bias",)),
    Rule(
        f"{_OURS}/self_attention/qkv_kernel",
        (
            f"{_SELF}.query.weight",
            f"{_SELF}.key.weight",
            f"{_SELF}.value.weight",
        ),
        TRANSPOSED,
    ),
    Rule(
        f"{_OURS}/self_attention/qkv_bias",
        (f"{_SELF}.query.bias", f"{_SELF}.key.bias", f"{_SELF}.value.bias"),
    ),
    Rule(
        f"{_OURS}/self_attention/output_kernel",
        (f"{_THEIRS}.attention.output.dense.weight",),
        TRANSPOSED,
    ),
    Rule(
        f"{_OURS}/self_attention/output_bias",
        (f"{_THEIRS}.attention.output.dense.bias",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/gamma",
        (f"{_THEIRS}.attention.output.LayerNorm.weight",),
    ),
    Rule(
        f"{_OURS}/attention_layer_norm/beta",
        (f"{_THEIRS}.attention.output.LayerNorm.bias",),
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_kernel",
        (f"{_THEIRS}.intermediate.dense.weight",),
        TRANSPOSED,
    ),
    Rule(
        f"{_OURS}/feed_forward/intermediate_bias",
        (f"{_THEIRS}.intermediate.dense.bias",),
    ),
    Rule(
        f"{_OURS}/feed_forward/output_kernel",
        (f"{_THEIRS}.output.dense.weight",),
        TRANSPOSED,
    ),
    Rule(
        f"{_OURS}/feed_forward/output_bias", (f"{_THEIRS}.output.dense.bias",)
    ),
    Rule(
        f"{_OURS}/output_layer_norm/gamma",
        (f"{_THEIRS}.output.LayerNorm.weight",),
    ),
    Rule(
        f"{_OURS}/output_layer_norm/beta", (f"{_THEIRS}.output.LayerNorm.bias",)
    ),
    Rule("pooler/kernel", ("pooler.dense.weight",), TRANSPOSED),
    Rule("pooler/bias", ("pooler.dense.bias",)),
)

_CLASSIFIER = (
    Rule("kernel", ("classifier.weight",), TRANSPOSED),
    Rule("bias", ("classifier.bias",)),
)

_HEAD_RULES = {
    "classification": _CLASSIFIER,
    "tagging": _CLASSIFIER,
    "span_qa": (
        Rule("kernel", ("qa_outputs.weight",), TRANSPOSED),
        Rule("bias", ("qa_outputs.bias",)),
    ),
    "masked_lm": (
        Rule(
            "transform_kernel",
            (f"{_PREDICTIONS}.transform.dense.weight",),
            TRANSPOSED,
        ),
        Rule("transform_bias", (f"{_PREDICTIONS}.transform.dense.bias",)),
        Rule(
            "layer_norm/gamma", (f"{_PREDICTIONS}.transform.LayerNorm.weight",)
        ),
        Rule("layer_norm/beta", (f"{_PREDICTIONS}.transform.LayerNorm.bias",)),
        Rule("output_bias", (f"{_PREDICTIONS}.bias",)),
    ),
    "next_sentence": (
        Rule("kernel", ("cls.seq_relationship.weight",), TRANSPOSED),
        Rule("bias", ("cls.seq_relationship.bias",)),
    ),
}

FAMILY = Family(
    model_type="bert",
    prefix="bert.",
    sizes={
        "vocab_size": "vocabulary_size",
        "num_hidden_layers": "num_layers",
        "num_attention_heads": "num_heads",
        "hidden_size": "hidden_dim",
        "intermediate_size": "intermediate_dim",
    },
    # Those of `BertConfig`: its files leave out what is default.
    defaults={
        "max_position_embeddings": ("max_sequence_length", 512),
        "type_vocab_size": ("num_segments", 2),
        "hidden_dropout_prob": ("dropout", 0.1),
        "attention_probs_dropout_prob": ("attention_dropout", 0.1),
        "layer_norm_eps": ("layer_norm_epsilon", 1e-12),
        "initializer_range": ("initializer_range", 0.02),
    },
    required={
        "position_embedding_type": "absolute",
        "is_decoder": False,
        "add_cross_attention": False,
    },
    encoder_class="BertModel",
    pretraining_class="BertForPreTraining",
    head_classes={
        "classification": "BertForSequenceClassification",
        "tagging": "BertForTokenClassification",
        "span_qa": "BertForQuestionAnswering",
        "masked_lm": "BertForMaskedLM",
        "next_sentence": "BertForNextSentencePrediction",
    },
    unread_classes=("BertForMultipleChoice", "BertLMHeadModel"),
    head_markers={
        "classification": "classifier.weight",
        "tagging": "classifier.weight",
        "span_qa": "qa_outputs.weight",
        "masked_lm": f"{_PREDICTIONS}.",
        "next_sentence": "cls.seq_relationship.",
    },
    rules=_RULES,
    head_rules=_HEAD_RULES,
    # The output projection repeats the token table, and its bias the other.
    tied={f"{_PREDICTIONS}.decoder.weight": "embeddings/token_embedding"},
    synonyms={f"{_PREDICTIONS}.decoder.bias": f"{_PREDICTIONS}.bias"},
    # Position numbers that older versions stored beside the weights.
    ignored=(r"embeddings\.(position_ids|token_type_ids)",),
)
