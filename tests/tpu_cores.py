"""`TPUStrategy` on two processors that stand for the cores of a TPU.

The strategy's own code runs: how it makes variables, cuts batches, and what
a replica may ask of it. Where that code builds a program of all cores, here
is the same function on each processor, and where cores add up and exchange
tensors, the processors do. What a TPU's compiler says is no part of this.
"""

import itertools
import types
from unittest import mock

import numpy as np
import tensorflow as tf
from tensorflow.python.distribute import tpu_util
from tensorflow.python.ops import collective_ops
from tensorflow.python.ops import control_flow_ops
from tensorflow.python.tpu import tpu
from tensorflow.python.tpu import tpu_replication
from tensorflow.python.tpu import tpu_system_metadata
from tensorflow.python.tpu.ops import tpu_ops

CORES = [f"/job:localhost/replica:0/task:0/device:TPU:{i}" for i in range(2)]
PROCESSORS = [name.replace("TPU", "CPU") for name in CORES]
# No two collectives share one.
_keys = itertools.count(1)


def strategy() -> tf.distribute.TPUStrategy:
    """Returns the strategy; the logical processors are there."""
    resolver = mock.Mock()
    resolver.get_tpu_system_metadata.return_value = (
        tpu_system_metadata.TPUSystemMetadata(
            num_cores=len(CORES),
            num_hosts=1,
            num_of_cores_per_host=len(CORES),
            topology=None,
            devices=[types.SimpleNamespace(name=name) for name in CORES],
        )
    )
    made = tf.distribute.TPUStrategy(resolver)
    # A packed variable is one whose parts only a TPU's runtime tells apart.
    made._enable_packed_variable_in_eager_mode = False
    extended = made.extended
    extended._tpu_devices = np.array([[name] for name in PROCESSORS], object)
    extended._host_device = PROCESSORS[0]
    extended._device_input_worker_devices = {PROCESSORS[0]: PROCESSORS}
    extended._host_input_worker_devices = {PROCESSORS[0]: PROCESSORS[:1] * 2}
    tpu.replicate = _replicate
    tpu_ops.cross_replica_sum = _cross_replica_sum
    tpu_ops.all_to_all = _all_to_all
    return made


def _replicate(computation, inputs, **options):
    """Stands for `tpu.replicate`: runs a function on each core.

    A core gets static shapes. TensorFlow would pad others, and the program
    then has dimensions of a size known at most.
    """
    outputs, keys = [], []
    for place, (device, own) in enumerate(zip(PROCESSORS, inputs)):
        with tf.device(device):
            own = tf.nest.map_structure(_argument, own)
            # Each core's program meets the same keys.
            core = _Core(place, keys)
            core.Enter()
            try:
                result = computation(*own)
            finally:
                core.Exit()
        outputs.append(
            [one for one in tf.nest.flatten(result) if one is not None]
        )
    assert core.num_keys == len(keys)
    return outputs


def _argument(value):
    value = tf.convert_to_tensor(value)
    assert value.shape.is_fully_defined(), f"a core was given {value}"
    # Its value is not known when the program is made.
    return tf.compat.v1.placeholder_with_default(value, value.shape)


class _Core(tpu_replication.TPUReplicateContext):
    """Where one core's program is made.

    Args:
        place: int. Of the core.
        keys: list of int, of the collectives; filled by the first core.
    """

    def __init__(self, place, keys):
        control_flow_ops.XLAControlFlowContext.__init__(self)
        self.place = place
        self.num_keys = 0
        self._keys = keys

    def next_key(self):
        self.num_keys += 1
        if self.place == 0:
            self._keys.append(next(_keys))
        return self._keys[self.num_keys - 1]

    def get_replicated_var_handle(self, name, handle_id, vars_, *is_what):
        return vars_[self.place].handle

    def AddOp(self, op):
        pass

    def AddValue(self, value):
        return value

    def Enter(self):
        control_flow_ops.XLAControlFlowContext.Enter(self)

    def EnterGradientColocation(self, op, gradient_uid):
        pass

    def ExitGradientColocation(self, op, gradient_uid):
        pass


def _cross_replica_sum(value, group_assignment=None, name=None):
    assert group_assignment is None
    return collective_ops.all_reduce_v2(value, **_together())


def _all_to_all(
    parts, concat_dimension, split_dimension, split_count, **options
):
    assert (concat_dimension, split_dimension) == (0, 0)
    assert len(parts) == split_count == len(CORES)
    core = tpu_util.enclosing_tpu_context()
    every = collective_ops.all_gather_v2(tf.stack(parts), **_together())
    return every[core.place :: split_count]


def _together():
    return {
        "group_size": len(CORES),
        "group_key": 1,
        "instance_key": tpu_util.enclosing_tpu_context().next_key(),
        "communication_hint": "ring",
    }
