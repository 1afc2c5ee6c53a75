"""Writes the list of torch's operators that only compute, from the installed torch's schemas.

    python scripts/torch_operators.py
    python scripts/torch_operators.py --check

Operators of older versions stay in the list: models that name them are still loaded.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import torch

FILE = Path(__file__).parents[1] / "plugins/modlint_plugins/code/torch_operators.txt"
NAMESPACES = {
    "_quantized", "aten", "mkldnn", "mkldnn_prepacked", "prim", "prims", "quantization",
    "quantized", "sparse",
}  # fmt: skip
EXCLUDED = re.compile(
    r"aten::(from_file|load|save)|\w+::rpc_.*"
    r"|aten::(_sparse_\w+_unsafe|_sparse_coo_tensor_with_dims_and_tensors|_nested_view_from_\w+)"
    r"|aten::(sparse_(coo|csr|csc|bsr|bsc|compressed)_tensor|_sparse_compressed_tensor_with_dims)"
    r"|aten::(_embedding_bag_((dense|sparse|per_sample_weights)_)?backward|_segment_reduce_backward)"
    r"|aten::((adaptive_)?max_pool[23]d(_with_indices)?_backward|nll_loss(2d)?_backward)"
    r"|aten::_ctc_loss(_backward)?"
)
"""Operators that read or write files, use the network, or believe any indices."""
HEADER = """\
# Operators of torch that only compute, by namespace and name, without overloads.
# Written by scripts/torch_operators.py.
"""


def installed() -> set[str]:
    """The operators of the installed torch that belong in the list."""
    names = {schema.name for schema in torch._C._jit_get_all_schemas()}
    kept = {name for name in names if name.split("::")[0] in NAMESPACES}
    return {name for name in kept if not EXCLUDED.fullmatch(name)}


def listed() -> set[str]:
    """The operators in the list."""
    lines = FILE.read_text(encoding="ascii").splitlines() if FILE.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def main(arguments: list[str]) -> int:
    """Write the list, or with --check name what it lacks."""
    missing = sorted(installed() - listed())
    if arguments == ["--check"]:
        print("\n".join(missing))
        return int(bool(missing))
    content = HEADER + "\n".join(sorted(installed() | listed())) + "\n"
    FILE.write_text(content, encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
