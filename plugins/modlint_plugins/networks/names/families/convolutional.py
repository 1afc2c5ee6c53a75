"""Residual convolutional networks as torchvision and timm name their parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.names.families.parts import Parts, Unfit

_MOBILENET_BLOCKS = 19
_MOBILENET_STAGES = frozenset({1, 2, 4, 7, 11, 14, 17})

POSITIONS = 2
"""Positions of the images that are traced, along one axis."""


class ConvolutionalFamily(Struct, frozen=True):
    """A model of convolutions.

    Attributes:
        name: what people call it.
        anchors: tensors that every such model has, below its path.
        trace: what its features give, from what enters.
        stem: the first convolution.
        head: the layer that reads the pooled features.
        caveat: what its names leave open and what is assumed.
    """

    name: str
    anchors: tuple[str, ...]
    trace: Callable[[Parts, Traced], Traced]
    stem: str
    head: str | None = None
    caveat: str | None = None


def traced(family: ConvolutionalFamily, parts: Parts) -> Traced:
    """The features of a model, and what its head makes of them.

    Raises:
        Unfit: some name is missing, or has another shape.
    """
    first = parts.tensor(family.stem)
    x = parts.tracer.input("input", (1, first.shape[1], POSITIONS))
    x = family.trace(parts, x)
    outer = Parts(parts.tracer, parts.tensors, "", {}, parts.confidence, parts.used)
    place = next((p for p in (parts, outer) if family.head and p.has(family.head)), None)
    if family.head is None or place is None:
        return x
    pooled = parts.tracer.reduced("pool", x, [2], keep=False)
    return place.linear(family.head, pooled)


def _normed(
    parts: Parts, convolution: str, norm: str, x: Traced, activation: str | None = "relu"
) -> Traced:
    x = parts.norm(norm, parts.convolution(convolution, x, depthwise=True), "batch", axis=1)
    return x if activation is None else parts.tracer.activation(activation, x)


def _resnet(parts: Parts, x: Traced) -> Traced:
    x = _normed(parts, "conv1", "bn1", x)
    stages = 0
    while parts.has(f"layer{stages + 1}.0.conv1"):
        stages += 1
        for block in parts.repeated(f"layer{stages}"):
            x = _residual(block, x)
    return x


def _residual(block: Parts, x: Traced) -> Traced:
    made, depth = x, 1
    while block.has(f"conv{depth}"):
        last = not block.has(f"conv{depth + 1}")
        made = _normed(block, f"conv{depth}", f"bn{depth}", made, None if last else "relu")
        depth += 1
    if block.has("se.fc1"):
        made = _squeezed(block, "se", made, "fc1", "fc2")
    way = next((name for name in ("downsample", "shortcut") if block.has(f"{name}.0")), None)
    if way is not None:
        x = _normed(block, f"{way}.0", f"{way}.1", x, None)
    elif x.shape != made.shape:
        raise Unfit(f"{block.path} gives other channels than it takes, and has no shortcut")
    return block.tracer.activation("relu", block.add(x, made))


def _squeezed(block: Parts, path: str, x: Traced, first: str, second: str) -> Traced:
    """Squeeze and excitation: every channel times a gate of the pooled channels."""
    pooled = block.tracer.reduced("squeeze", x, [2], keep=True)
    hidden = block.tracer.activation("relu", block.convolution(f"{path}.{first}", pooled))
    gate = block.tracer.activation("sigmoid", block.convolution(f"{path}.{second}", hidden))
    return block.tracer.join("product", x, gate)


def _densenet(parts: Parts, x: Traced) -> Traced:
    x = _normed(parts, "features.conv0", "features.norm0", x)
    number = 1
    while parts.has(f"features.denseblock{number}.denselayer1.conv1"):
        for layer in _dense_layers(parts, f"features.denseblock{number}"):
            made = x
            for place in ("1", "2"):
                made = layer.norm(f"norm{place}", made, "batch", axis=1)
                made = layer.convolution(f"conv{place}", layer.tracer.activation("relu", made))
            x = layer.tracer.concat("dense", 1, x, made)
        transition = f"features.transition{number}"
        if parts.has(f"{transition}.conv"):
            x = parts.norm(f"{transition}.norm", x, "batch", axis=1)
            x = parts.convolution(f"{transition}.conv", parts.tracer.activation("relu", x))
        number += 1
    x = parts.norm("features.norm5", x, "batch", axis=1)
    return parts.tracer.activation("relu", x)


def _dense_layers(parts: Parts, path: str) -> Iterator[Parts]:
    number = 1
    while parts.has(f"{path}.denselayer{number}.conv1"):
        yield parts.below(f"{path}.denselayer{number}")
        number += 1


def _mobilenet_v2(parts: Parts, x: Traced) -> Traced:
    """Inverted residuals: every block adds its input but the first of a stage.

    Where stages begin is that of Sandler et al., arXiv 1801.04381, table 2.
    """
    blocks = list(parts.repeated("features"))
    if len(blocks) != _MOBILENET_BLOCKS:
        raise Unfit(f"{len(blocks)} blocks, not {_MOBILENET_BLOCKS}")
    for number, block in enumerate(blocks):
        if block.has("0"):
            x = _normed(block, "0", "1", x, "relu6")
            continue
        made = x
        for step in block.repeated("conv"):
            if step.has("0"):
                made = _normed(step, "0", "1", made, "relu6")
        last = max((n for n in range(8) if block.has(f"conv.{n}")), default=1)
        made = block.convolution(f"conv.{last - 1}", made)
        made = block.norm(f"conv.{last}", made, "batch", axis=1)
        x = made if number in _MOBILENET_STAGES else block.add(x, made)
    return x


def _resnet_of_transformers(parts: Parts, x: Traced) -> Traced:
    x = _normed(parts, f"{_EMBEDDER}.convolution", f"{_EMBEDDER}.normalization", x)
    for stage in parts.repeated("encoder.stages"):
        for block in stage.repeated("layers"):
            steps = list(block.repeated("layer"))
            made = x
            for step in steps:
                activation = None if step is steps[-1] else "relu"
                made = _normed(step, "convolution", "normalization", made, activation)
            if block.has("shortcut.convolution"):
                x = _normed(block, "shortcut.convolution", "shortcut.normalization", x, None)
            x = block.tracer.activation("relu", block.add(x, made))
    return x


_EMBEDDER = "embedder.embedder"


def _convnext_of_transformers(parts: Parts, x: Traced) -> Traced:
    """Depthwise convolutions and MLPs over channels (Liu et al., arXiv 2201.03545)."""
    x = parts.convolution("embeddings.patch_embeddings", x)
    x = parts.norm("embeddings.layernorm", x, "layer", axis=1)
    for stage in parts.repeated("encoder.stages"):
        if stage.has("downsampling_layer.0"):
            x = stage.norm("downsampling_layer.0", x, "layer", axis=1)
            x = stage.convolution("downsampling_layer.1", x)
        for block in stage.repeated("layers"):
            x = _convnext_block(block, x, ("dwconv", "layernorm", "pwconv1", "pwconv2"))
    return parts.norm("layernorm", x, "layer", axis=1) if parts.has("layernorm") else x


def _convnext(parts: Parts, x: Traced) -> Traced:
    x = parts.norm("stem.1", parts.convolution("stem.0", x), "layer", axis=1)
    for stage in parts.repeated("stages"):
        if stage.has("downsample.0"):
            x = stage.norm("downsample.0", x, "layer", axis=1)
            x = stage.convolution("downsample.1", x)
        for block in stage.repeated("blocks"):
            x = _convnext_block(block, x, ("conv_dw", "norm", "mlp.fc1", "mlp.fc2"))
    return parts.norm("head.norm", x, "layer", axis=1) if parts.has("head.norm") else x


def _convnext_block(block: Parts, x: Traced, names: tuple[str, str, str, str]) -> Traced:
    spatial, norm, up, down = names
    made = block.convolution(spatial, x, depthwise=True)
    (made,) = block.tracer.move("channels last", lambda labels: labels.transpose(0, 2, 1), made)
    made = block.norm(norm, made, "layer")
    made = block.linear(down, block.tracer.activation("gelu", block.linear(up, made)))
    for factor in ("layer_scale_parameter", "gamma"):
        made = block.scale("", factor, made)
    (made,) = block.tracer.move("channels first", lambda labels: labels.transpose(0, 2, 1), made)
    return block.add(x, made)


CONVOLUTIONAL = (
    ConvolutionalFamily(
        "transformers' ResNet",
        (
            "embedder.embedder.convolution.weight",
            "encoder.stages.0.layers.0.layer.0.convolution.weight",
        ),
        _resnet_of_transformers,
        stem=f"{_EMBEDDER}.convolution",
        head="classifier.1",
    ),
    ConvolutionalFamily(
        "transformers' ConvNeXt",
        ("embeddings.patch_embeddings.weight", "encoder.stages.0.layers.0.dwconv.weight"),
        _convnext_of_transformers,
        stem="embeddings.patch_embeddings",
        head="classifier",
    ),
    ConvolutionalFamily(
        "timm's ConvNeXt",
        ("stem.0.weight", "stages.0.blocks.0.conv_dw.weight"),
        _convnext,
        stem="stem.0",
        head="head.fc",
    ),
    ConvolutionalFamily(
        "ResNet",
        ("conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer1.0.bn2.weight"),
        _resnet,
        stem="conv1",
        head="fc",
    ),
    ConvolutionalFamily(
        "DenseNet",
        ("features.conv0.weight", "features.denseblock1.denselayer1.conv1.weight"),
        _densenet,
        stem="features.conv0",
        head="classifier",
    ),
    ConvolutionalFamily(
        "MobileNetV2",
        ("features.0.0.weight", "features.1.conv.0.0.weight", "features.2.conv.3.weight"),
        _mobilenet_v2,
        stem="features.0.0",
        head="classifier.1",
    ),
)
