"""One file with graph and weights: an exporter in a package of its own."""

import pathlib

import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from savedmodels import serving_functions
from savedmodels import verification
from savedmodels.exporter import Exporter

GRAPH_FILE = "graph.pb"
TOLERANCE = 1e-5


class FrozenGraphExporter(Exporter):
    """Writes a `GraphDef` whose weights are constants, raw strings in.

    Each text field of the head is a placeholder `FIELD:0`; each answer is a
    tensor `answer_NAME:0`.
    """

    name = "frozen_graph"

    def signatures(self, model) -> dict:
        return {"texts": model.head.signature()}

    def write(self, model, directory: pathlib.Path) -> None:
        answer = serving_functions.answer_texts(model, "graph")
        function = tf.function(
            lambda **texts: {
                name: tf.identity(value, f"answer_{name}")
                for name, value in answer(**texts).items()
            }
        ).get_concrete_function(
            **serving_functions.specs(self.signatures(model)["texts"])
        )
        frozen = convert_to_constants.convert_variables_to_constants_v2(
            function
        )
        content = frozen.graph.as_graph_def().SerializeToString()
        (directory / GRAPH_FILE).write_bytes(content)

    def verify(self, model, directory: pathlib.Path) -> dict:
        signature = self.signatures(model)["texts"]
        definition = tf.compat.v1.GraphDef()
        definition.ParseFromString((directory / GRAPH_FILE).read_bytes())
        texts = verification.probe_texts(model.head)
        with tf.Graph().as_default() as graph:
            tf.import_graph_def(definition, name="")
            with tf.compat.v1.Session(graph=graph) as session:
                received = session.run(
                    {
                        info.name: f"answer_{info.name}:0"
                        for info in signature.outputs
                    },
                    {f"{field}:0": texts[field] for field in texts},
                )
        return {
            "texts": verification.compare_answers(model, received, TOLERANCE),
            "tolerance": TOLERANCE,
        }
