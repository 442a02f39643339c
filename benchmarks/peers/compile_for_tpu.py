"""Compiles a program for a TPU chip, with the TPU's compiler, without a TPU.

    python compile_for_tpu.py CHIP < program.mlir

Prints the bytes that it takes on the chip as one JSON object: `arguments`
(weights, state and batch), `outputs` that are not written over arguments,
`temporaries`, `code`. Needs JAX and libtpu, which has the compiler.
"""

import json
import os
import re
import sys

# There is no TPU to ask for these, nor one that only one process may have.
os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")
os.environ.setdefault("TPU_WORKER_HOSTNAMES", "localhost")
os.environ.setdefault("TPU_WORKER_ID", "0")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np  # noqa: E402
from jax._src.interpreters import mlir  # noqa: E402
from jax._src.lib import xla_client  # noqa: E402
from jax.experimental import topologies  # noqa: E402
from jaxlib.mlir import ir  # noqa: E402

# Each of the smallest slice that has such chips.
SLICES = {"v4": "v4:2x2x1", "v5e": "v5e:2x2", "v6e": "v6e:2x2"}
# Between the copies that end TensorFlow's programs and this compiler's
# dialect there is no way; an equal shape is as good.
COPY = re.compile(r"mhlo\.copy (%\w+) : (tensor<[^>]*>)")


def compiled(program: str, chip: str) -> dict:
    """Returns what a program for one chip takes on it, in bytes."""
    topology = topologies.get_topology_desc(
        topology_name=SLICES[chip], platform="tpu"
    )
    device = topology.devices[0]
    options = xla_client.CompileOptions()
    options.num_replicas = options.num_partitions = 1
    options.device_assignment = xla_client.DeviceAssignment.create(
        np.array([[0]])
    )
    program = COPY.sub(r"stablehlo.reshape \1 : (\2) -> \2", program)
    with mlir.make_ir_context():
        module = ir.Module.parse(program)
    executable = device.client.compile(
        module, xla_client.DeviceList((device,)), options
    )
    found = executable.get_compiled_memory_stats()
    return {
        "arguments": found.argument_size_in_bytes,
        "outputs": found.output_size_in_bytes - found.alias_size_in_bytes,
        "temporaries": found.temp_size_in_bytes,
        "code": found.generated_code_size_in_bytes,
    }


if __name__ == "__main__":
    print(json.dumps(compiled(sys.stdin.read(), sys.argv[1])))
