"""Names of the tensors that travel along the line.

Letters in shapes: `B` examples in a batch, `S` tokens in a sequence, `H`
hidden width.

| name | dtype | shape | meaning |
| --- | --- | --- | --- |
| `token_ids` | int32 | `(B, S)` | rows of the vocabulary |
| `padding_mask` | int32 | `(B, S)` | 1 for a real token, 0 for padding |
| `sequence_output` | float | `(B, S, H)` | one vector per token |
| `pooled_output` | float | `(B, H)` | one vector per example |
| `num_sequences` | int64 | `(B,)` | sequences that a long text became |
| `packed_index` | int32 | `(B,)` | index of the packed sequence that holds it |
| `packed_start` | int32 | `(B,)` | position of its first token there |
| `random_seed` | int64 | `(2,)` | a seed for stateless random operations |
| `sample_weight` | float32 | `(B,)` | what an example counts in the loss |

An encoder reads `token_ids`, `padding_mask` and whatever else its tokenizer
packs. The names are keras-hub's, so that its encoders and ours can replace
each other.
"""

TOKEN_IDS = "token_ids"
PADDING_MASK = "padding_mask"
SEQUENCE_OUTPUT = "sequence_output"
POOLED_OUTPUT = "pooled_output"
NUM_SEQUENCES = "num_sequences"
RANDOM_SEED = "random_seed"
SAMPLE_WEIGHT = "sample_weight"

# Several sequences packed into one.
PACKED_INDEX = "packed_index"
PACKED_START = "packed_start"
POSITION_IDS = "position_ids"
SEQUENCE_IDS = "sequence_ids"
PACKED_POSITIONS = "packed_positions"

PACKED_INPUTS = (PACKED_INDEX, PACKED_START)
