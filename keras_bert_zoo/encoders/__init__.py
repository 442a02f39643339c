"""Encoders: functional Keras models, one file for each topology.

An encoder is a dict of int32 `(B, S)` inputs, `token_ids` and `padding_mask`
among them, and a dict of outputs: `sequence_output` `(B, S, H)` and, where it
pools, `pooled_output` `(B, H)`. Beside these, heads and pipelines ask for
`hidden_dim`, `vocabulary_size`, `max_sequence_length` and, where it has them:

- `num_layers`: how deep it is; the default learning rate follows from it;
- `token_embedding`: the `(V, E)` token table, to score tokens with;
- `for_packed_sequences()`: the same weights, for sequences that share rows;
- `pooling`: how its weights were trained to make one vector of a sequence;
- `input_meanings`: what its inputs mean, for the manifests of exports.
"""

# How one vector is made of a sequence: from its first token, or from all.
POOLINGS = ("cls", "mean", "max")
