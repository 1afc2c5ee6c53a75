"""What operations of ATen do to the numbers that they read: those listed keep to what is noted."""

from __future__ import annotations

from modlint_plugins.networks.aten.arguments import Arguments, plain, tensors_in
from modlint_plugins.networks.aten.values import Fixed
from modlint_plugins.networks.flow.altering import Care

_MOVES = (
    "view reshape _unsafe_view _reshape_alias permute transpose swapaxes swapdims t numpy_T mT"
    " movedim moveaxis slice narrow select unbind split split_with_sizes unsafe_split"
    " unsafe_split_with_sizes chunk unsafe_chunk tensor_split expand broadcast_to unsqueeze squeeze"
    " flatten ravel unflatten expand_as view_as reshape_as cat concat concatenate stack hstack"
    " vstack clone contiguous detach alias dropout native_dropout feature_dropout dropout2d"
    " dropout3d lift_fresh lift_fresh_copy positive float half double bfloat16 identity"
    " max_pool1d max_pool2d max_pool3d max_pool1d_with_indices max_pool2d_with_indices"
    " max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d"
    " adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool1d _adaptive_avg_pool2d"
    " _adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d mean amax"
    " upsample_nearest1d upsample_nearest2d upsample_nearest3d pixel_shuffle channel_shuffle flip"
)
_MAKES = (
    "linear matmul mm addmm embedding conv1d conv2d conv3d conv_transpose1d conv_transpose2d"
    " conv_transpose3d convolution _convolution batch_norm native_batch_norm cudnn_batch_norm"
    " _native_batch_norm_legit_no_training _batch_norm_no_update layer_norm native_layer_norm"
    " rms_norm group_norm native_group_norm instance_norm relu relu6 leaky_relu prelu"
    " _prelu_kernel elu celu selu gelu silu mish sigmoid hardsigmoid hardswish hardtanh tanh"
    " softplus softsign exp abs sqrt erf clamp clamp_min"
)
_JOINS = "add mul multiply __add__ __iadd__ __mul__"
_CARE = {
    name: care
    for names, care in ((_MOVES, Care.MOVES), (_MAKES, Care.MAKES), (_JOINS, Care.JOINS))
    for name in names.split()
}


def care_of(a: Arguments) -> Care:
    """What a call does, by its operation and arguments."""
    care = _CARE.get(a.op) or _CARE.get(a.op.rstrip("_")) or Care.ALTERS
    return Care.ALTERS if care is not Care.ALTERS and _is_odd(a, care) else care


def _is_odd(a: Arguments, care: Care) -> bool:
    """Whether arguments make an operation something else."""
    if any(plain(a.named.get(name, 1)) != 1 for name in ("alpha", "beta") if a.op != "elu"):
        return True
    if care is Care.JOINS:
        moved = any(isinstance(x, Fixed) and x.offset for x in tensors_in(a.all))
        return moved or (len(a.positional) > 2 and plain(a.positional[2]) != 1)
    if a.op.startswith("avg_pool"):
        pads = plain(a.get("padding", 0))
        divisor = a.named.get(
            "divisor_override", a.positional[6] if len(a.positional) > 6 else None
        )
        return divisor is not None or any(pads if isinstance(pads, (list, tuple)) else [pads])
    if a.op in ("batch_norm", "native_batch_norm", "cudnn_batch_norm"):
        return a.flag("training")
    return "dropout" in a.op and len(a.all) > 2 and plain(a.all[2]) is not False
