"""Makes a model under a real ParameterServerStrategy, and compiles it.

Prints what is said of it, as one JSON string.
"""

import json
import socket

import keras
import tensorflow as tf

from keras_bert_zoo.errors import InputError
from keras_bert_zoo.training.model import ReplicatedModel


def main():
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = ["{}:{}".format(*one.getsockname()) for one in sockets]
    for one in sockets:
        one.close()
    cluster = tf.train.ClusterSpec(
        {"worker": addresses[:1], "ps": addresses[1:]}
    )
    servers = [
        tf.distribute.Server(cluster, name, 0, protocol="grpc")
        for name in ("worker", "ps")
    ]
    strategy = tf.distribute.ParameterServerStrategy(
        tf.distribute.cluster_resolver.SimpleClusterResolver(
            cluster, rpc_layer="grpc"
        )
    )
    with strategy.scope():
        inputs = keras.Input((2,))
        model = ReplicatedModel(inputs, keras.layers.Dense(1)(inputs))
        try:
            model.compile("sgd", loss="mse")
        except InputError as error:
            print(json.dumps(str(error)), flush=True)
    return servers


if __name__ == "__main__":
    main()
