"""keras-hub's models; layers on its backbone for tasks that it has not."""

import keras
import keras_hub

from benchmarks.first_step_contenders import batches
from benchmarks.first_step_contenders import fitting


def prepare(cell: dict):
    found = batches.batch(cell)
    inputs = found["inputs"]
    backbone = keras_hub.models.BertBackbone(**batches.SIZES)
    if cell["head"] == "classification":
        model = keras_hub.models.BertTextClassifier(
            backbone, num_classes=2, preprocessor=None
        )
        data = (inputs, found["label"])
    elif cell["head"] == "masked_lm":
        model = keras_hub.models.BertMaskedLM(backbone, preprocessor=None)
        inputs = {**inputs, "mask_positions": found["mask_positions"]}
        data = (inputs, found["masked_ids"])
    else:
        sequence = backbone.output["sequence_output"]
        is_tagging = cell["head"] == "tagging"
        logits = keras.layers.Dense(batches.NUM_TAGS if is_tagging else 2)(
            keras.layers.Dropout(0.1)(sequence)
        )
        if is_tagging:
            outputs, data = logits, (inputs, found["tags"], found["weights"])
        else:
            names = ("start_logits", "end_logits")
            outputs = {name: logits[..., n] for n, name in enumerate(names)}
            data = (inputs, dict.fromkeys(names, found["label"]))
        model = keras.Model(backbone.input, outputs)

    def compile_model():
        structure = model.output
        loss, metrics = (
            keras.tree.map_structure(lambda _, make=make: make(), structure)
            for make in (
                lambda: keras.losses.SparseCategoricalCrossentropy(
                    from_logits=True
                ),
                keras.metrics.SparseCategoricalAccuracy,
            )
        )
        if not isinstance(metrics, dict):
            metrics = [metrics]
        model.compile(
            keras.optimizers.AdamW(1e-4), loss, weighted_metrics=metrics
        )

    return model, compile_model, data


if __name__ == "__main__":
    fitting.run(prepare)
