"""Compiles a program for an accelerator that the machine does not have.

    python compile_for_chip.py CHIP < program.mlir

Prints the bytes that it takes on the chip as one JSON object: `arguments`
(weights, state and batch), `outputs` that are not written over arguments,
`temporaries`, `code` (0 where the compiler keeps it to itself). Needs JAX,
libtpu, which has the compiler of TPUs, and jax-cuda12-pjrt, which has that of
NVIDIA's GPUs.
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
# Capability 9.0 in the tables of NVIDIA's CUDA C++ Programming Guide; memory,
# bandwidth and clock from the data sheet of the card.
GPUS = {
    "h200": """
        platform_name: "CUDA"
        device_description_str: "NVIDIA H200"
        gpu_device_info {
          cuda_compute_capability { major: 9 }
          core_count: 132
          fpus_per_core: 128
          threads_per_warp: 32
          threads_per_block_limit: 1024
          threads_per_core_limit: 2048
          registers_per_block_limit: 65536
          registers_per_core_limit: 65536
          shared_memory_per_block: 49152
          shared_memory_per_block_optin: 232448
          shared_memory_per_core: 233472
          block_dim_limit_x: 2147483647
          block_dim_limit_y: 65535
          block_dim_limit_z: 65535
          l2_cache_size: 52428800
          clock_rate_ghz: 1.98
          memory_bandwidth: 4800000000000
          device_memory_size: 141000000000
        }
    """
}
# Between the copies that end TensorFlow's programs and this compiler's
# dialect there is no way; an equal shape is as good.
COPY = re.compile(r"mhlo\.copy (%\w+) : (tensor<[^>]*>)")


def compiled(program: str, chip: str) -> dict:
    """Returns what a program for one chip takes on it, in bytes."""
    if chip in GPUS:
        topology = topologies.get_topology_desc(
            platform="cuda", target_config=GPUS[chip], topology="1x1x1"
        )
    else:
        topology = topologies.get_topology_desc(
            platform="tpu", topology_name=SLICES[chip]
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
