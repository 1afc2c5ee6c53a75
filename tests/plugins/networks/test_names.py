"""Networks from names and shapes, of real modules and of their safetensors twins."""

from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from network_views import networks_of, norms_behind, views
from safetensors.torch import save_file
from torch import nn

from modlint.checkpoint import Checkpoint, Role, Storage, Tensor
from modlint.dtypes import DTYPES
from modlint.engine.load import build_networks, load
from modlint.network import Network
from modlint.source import open_source
from modlint.verdict import Confidence
from modlint_plugins.networks.names import NamesBuilder
from modlint_plugins.networks.names.obstacles import EXPORT
from modlint_plugins.readers import modlint_readers
from modlint_plugins.readers.safetensors.reader import SafetensorsReader

State = dict[str, torch.Tensor]


def never() -> memoryview:
    raise AssertionError("the builder reads no values")


def tensors_of(state: State, section: str = "", role: Role = Role.WEIGHT) -> dict[str, Tensor]:
    prefix = f"{section}." if section else ""
    return {
        prefix + key: Tensor(
            name=prefix + key,
            dtype=DTYPES[str(value.dtype).removeprefix("torch.")],
            shape=tuple(value.shape),
            strides=value.stride(),
            storage=Storage(key, value.nbytes, never),
            section=section,
            role=role,
        )
        for key, value in state.items()
    }


def build(*parts: dict[str, Tensor]) -> tuple[Network, ...]:
    tensors = {name: tensor for part in parts for name, tensor in part.items()}
    checkpoint = Checkpoint(Path("m.pt"), "torch-zip", 0, tensors=tensors)
    return networks_of(NamesBuilder(), checkpoint)


def in_file_order(state: State) -> tuple[Network, ...]:
    """As a PyTorch file gives them: in the order in which the module registered them."""
    return build(tensors_of(state))


def in_name_order(state: State, folder: Path) -> tuple[Network, ...]:
    """As a safetensors file gives them."""
    save_file({key: value.contiguous() for key, value in state.items()}, folder / "m.safetensors")
    checkpoint = SafetensorsReader().read(open_source(folder / "m.safetensors"))
    return networks_of(NamesBuilder(), checkpoint)


def network_of(state: State, folder: Path) -> Network:
    """The only network, the same from both kinds of file."""
    (network,) = in_file_order(state)
    assert in_name_order(state, folder) == (network,)
    return network


class Modules(nn.Module):
    """Submodules by name, in the order given."""

    def __init__(self, **modules: nn.Module) -> None:
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


def linear(*sizes: int, bias: bool = True) -> list[nn.Module]:
    return [nn.Linear(a, b, bias) for a, b in pairwise(sizes)]


def relu_mlp(*sizes: int) -> nn.Sequential:
    layers = [part for layer in linear(*sizes) for part in (layer, nn.ReLU())]
    return nn.Sequential(*layers[:-1])


WIDTHS = (784, 256, 256, 256, 256, 10)


def in_out() -> nn.Module:
    first, *hidden, last = linear(*WIDTHS)
    return Modules(fc_in=first, hidden=nn.ModuleList(hidden), fc_out=last)


def nested() -> nn.Module:
    layers = linear(*WIDTHS)
    body = Modules(block1=nn.Sequential(*layers[:2]), block2=nn.Sequential(*layers[2:4]))
    return Modules(body=body, head=layers[4])


def blocks() -> nn.Module:
    return nn.Sequential(*(Modules(linear=layer, act=nn.ReLU()) for layer in linear(*WIDTHS)))


MLPS = {
    "sequential": relu_mlp(*WIDTHS),
    "numbered": Modules(**{f"fc{i + 1}": layer for i, layer in enumerate(linear(*WIDTHS))}),
    "in-out": in_out(),
    "nested": nested(),
    "blocks": blocks(),
    "data-parallel": nn.DataParallel(relu_mlp(*WIDTHS)),
    "wrapped": Modules(model=Modules(net=relu_mlp(*WIDTHS))),
    "without-bias": nn.Sequential(*linear(*WIDTHS, bias=False)),
    "features": Modules(features=relu_mlp(*WIDTHS[:4]), classifier=relu_mlp(*WIDTHS[3:])),
}


@pytest.mark.parametrize("name", MLPS)
def test_mlp_is_found_whatever_its_names(tmp_path: Path, name: str) -> None:
    state = MLPS[name].state_dict()

    network = network_of(state, tmp_path)

    assert (len(network.calls), network.neurons, network.connections) == (5, 1_818, 399_872)
    assert network.source == "names"
    sequential = name in ("sequential", "data-parallel", "wrapped")
    assert network.confidence is (Confidence.MEDIUM if sequential else Confidence.LOW)
    assert [group.size for group in network.groups] == list(WIDTHS)
    assert [group.role for group in network.groups] == ["input", *["hidden"] * 4, "output"]
    assert [layer.weight for layer in views(network)] == [k for k in state if k.endswith("weight")]
    assert network.tensors == set(state)


def test_layers_are_linked_and_nothing_is_claimed_of_activations(tmp_path: Path) -> None:
    first, second = views(network_of(relu_mlp(8, 6, 4).state_dict(), tmp_path))

    assert (first.name, first.inputs) == ("0", ())
    assert (second.name, second.inputs) == ("2", ("0",))
    assert (first.weight, first.bias) == ("0.weight", "0.bias")
    assert first.activation is None
    assert second.activation is None


def test_numbers_are_ordered_as_numbers(tmp_path: Path) -> None:
    state = Modules(**{f"fc{i}": nn.Linear(8, 8) for i in range(1, 13)}).state_dict()

    network = network_of(state, tmp_path)

    assert [layer.name for layer in views(network)] == [f"fc{i}" for i in range(1, 13)]


def test_layer_called_input_has_a_group_of_its_own(tmp_path: Path) -> None:
    state = Modules(input=nn.Linear(4, 3), output=nn.Linear(3, 2)).state_dict()

    network = network_of(state, tmp_path)

    assert len({group.name for group in network.groups}) == 3
    assert network.neurons == 9


def test_bare_linear_layer(tmp_path: Path) -> None:
    network = network_of(nn.Linear(3, 4).state_dict(), tmp_path)

    assert (network.neurons, network.connections) == (7, 12)
    assert views(network)[0].bias == "bias"


def test_weights_stored_transposed_are_told_by_their_bias(tmp_path: Path) -> None:
    state = {
        "fc1.weight": torch.ones(8, 5),
        "fc1.bias": torch.ones(5),
        "fc2.weight": torch.ones(5, 3),
        "fc2.bias": torch.ones(3),
    }

    network = network_of(state, tmp_path)

    assert [layer.transposed for layer in views(network)] == [True, True]
    assert [group.size for group in network.groups] == [8, 5, 3]


def conv(*channels: int, kernel: int = 3) -> list[nn.Module]:
    return [nn.Conv2d(a, b, kernel) for a, b in pairwise(channels)]


def test_lenet(tmp_path: Path) -> None:
    conv1, conv2 = conv(1, 6, 16, kernel=5)
    fc1, fc2, fc3 = linear(400, 120, 84, 10)
    lenet = Modules(conv1=conv1, conv2=conv2, fc1=fc1, fc2=fc2, fc3=fc3)

    network = network_of(lenet.state_dict(), tmp_path)

    assert [layer.kind for layer in views(network)] == ["conv"] * 2 + ["linear"] * 3
    assert [layer.columns_per_unit for layer in views(network)] == [1, 1, 25, 1, 1]
    assert network.neurons == 1 + 6 + 16 + 120 + 84 + 10
    assert network.connections == 6 + 6 * 16 + 16 * 120 + 120 * 84 + 84 * 10
    assert network.confidence is Confidence.LOW
    assert any("one chain" in remark for remark in network.remarks)


def test_vgg_with_batch_norm(tmp_path: Path) -> None:
    convs = conv(3, 8, 8, 16)
    parts = [p for c in convs for p in (c, nn.BatchNorm2d(c.weight.shape[0]), nn.ReLU())]
    vgg = Modules(features=nn.Sequential(*parts), classifier=relu_mlp(16 * 4, 32, 10))

    network = network_of(vgg.state_dict(), tmp_path)

    assert [layer.name for layer in views(network)][:3] == [f"features.{i}" for i in (0, 3, 6)]
    for place, layer in zip((1, 4, 7), views(network), strict=False):
        (norm,) = layer.after
        assert norm.kind == "batch"
        assert norm.scale == f"features.{place}.weight"
        assert norm.shift == f"features.{place}.bias"
        assert norm.mean == f"features.{place}.running_mean"
        assert norm.variance == f"features.{place}.running_var"
    counters = {key for key in vgg.state_dict() if key.endswith("num_batches_tracked")}
    assert network.tensors == set(vgg.state_dict()) - counters


NAMED_NORMS = {
    "registered last": ("conv1", "conv2", "fc1", "fc2", "bn1", "bn2", "bn3"),
    "named after": ("conv1", "conv1_bn", "conv2", "conv2_bn", "fc1", "fc1_bn", "fc2"),
    "named before": ("conv1", "bn_conv1", "conv2", "bn_conv2", "fc1", "bn_fc1", "fc2"),
}


@pytest.mark.parametrize("order", NAMED_NORMS)
def test_norms_are_placed_by_name_and_size(tmp_path: Path, order: str) -> None:
    sizes = {"conv1": 8, "conv2": 8, "fc1": 20, "fc2": 10, "bn1": 8, "bn2": 8, "bn3": 20}

    def module(name: str) -> nn.Module:
        plain = name.replace("_bn", "").replace("bn_", "")
        if plain != name or name.startswith("bn"):
            return nn.BatchNorm1d(sizes[plain])
        layers = [*conv(3, 8, 8), *linear(72, 20, 10)]
        return dict(zip(("conv1", "conv2", "fc1", "fc2"), layers, strict=True))[name]

    state = Modules(**{name: module(name) for name in NAMED_NORMS[order]}).state_dict()

    network = network_of(state, tmp_path)

    found = [[norm.scale for norm in layer.after] for layer in views(network)]
    norms = [name for name in NAMED_NORMS[order] if "bn" in name]
    assert found == [[f"{name}.weight"] for name in norms] + [[]]
    assert not any(layer.before for layer in views(network))


def test_norms_in_front_of_their_layers(tmp_path: Path) -> None:
    conv0, conv1, conv2 = conv(3, 8, 16, 16)
    net = Modules(
        conv0=conv0,
        norm1=nn.BatchNorm2d(8),
        conv1=conv1,
        norm2=nn.BatchNorm2d(16),
        conv2=conv2,
    )

    network = network_of(net.state_dict(), tmp_path)

    found = [[norm.scale for norm in layer.after] for layer in views(network)]
    assert found == [["norm1.weight"], ["norm2.weight"], []]


def test_norm_of_the_inputs_and_of_flattened_columns(tmp_path: Path) -> None:
    net = nn.Sequential(nn.BatchNorm2d(3), *conv(3, 4), nn.BatchNorm1d(36), nn.Linear(36, 5))

    first, second = views(network_of(net.state_dict(), tmp_path))

    assert [norm.scale for norm in first.before] == ["0.weight"]
    assert [norm.scale for norm in second.before] == ["2.weight"]
    assert not first.after


def test_kinds_of_norm(tmp_path: Path) -> None:
    mlp = nn.Sequential(nn.Linear(6, 4), nn.LayerNorm(4), nn.Linear(4, 2), nn.BatchNorm1d(2))
    first, second = views(network_of(mlp.state_dict(), tmp_path))
    (layer,) = second.before  # γ belongs to the out-edges
    assert (layer.kind, layer.mean) == ("layer", None)
    assert not first.after

    group = nn.Sequential(*conv(3, 4), nn.GroupNorm(2, 4), *conv(4, 2))
    assert views(network_of(group.state_dict(), tmp_path))[1].before[0].kind == "group"

    plain = nn.Sequential(*conv(3, 4), nn.BatchNorm2d(4, affine=False), *conv(4, 2))
    (batch,) = views(network_of(plain.state_dict(), tmp_path))[0].after
    assert (batch.kind, batch.scale, batch.variance) == ("batch", None, "1.running_var")


@pytest.mark.parametrize("norm", [nn.LayerNorm(2), nn.GroupNorm(1, 2)])
def test_a_norm_of_the_data_behind_the_last_layer_scales_no_edge(
    tmp_path: Path, norm: nn.Module
) -> None:
    net = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2), norm)
    network = network_of(net.state_dict(), tmp_path)
    assert not any(layer.before or layer.after for layer in views(network))
    assert [norm.scale for norm in norms_behind(network)] == ["3.weight"]
    assert network.tensors == net.state_dict().keys()


def test_a_norm_behind_an_activation_scales_the_out_edges(tmp_path: Path) -> None:
    parts = linear(6, 4, 2)
    before = nn.Sequential(parts[0], nn.BatchNorm1d(4), nn.ReLU(), parts[1])
    first, second = views(network_of(before.state_dict(), tmp_path))
    assert [norm.scale for norm in first.after] == ["1.weight"]
    assert not second.before

    behind = nn.Sequential(parts[0], nn.ReLU(), nn.BatchNorm1d(4), parts[1])
    first, second = views(network_of(behind.state_dict(), tmp_path))
    assert not first.after
    assert [norm.scale for norm in second.before] == ["2.weight"]

    last = nn.Sequential(*parts, nn.ReLU(), nn.BatchNorm1d(2))
    network = network_of(last.state_dict(), tmp_path)
    assert [norm.scale for norm in norms_behind(network)] == ["3.weight"]
    assert not any(layer.after for layer in views(network))


def test_depthwise_separable(tmp_path: Path) -> None:
    def separable(into: int, out: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(into, into, 3, groups=into), nn.Conv2d(into, out, 1))

    net = nn.Sequential(*conv(3, 8), separable(8, 16), separable(16, 32), nn.Linear(32, 10))

    network = network_of(net.state_dict(), tmp_path)

    assert [layer.groups for layer in views(network)] == [1, 8, 1, 16, 1, 1]
    assert network.connections == 24 + 8 + 8 * 16 + 16 + 16 * 32 + 320


def test_grouped_convolution_is_an_assumption(tmp_path: Path) -> None:
    net = nn.Sequential(*conv(3, 8), nn.Conv2d(8, 8, 3, groups=2), *conv(8, 4))

    network = network_of(net.state_dict(), tmp_path)

    assert [layer.groups for layer in views(network)] == [1, 2, 1]
    assert any("2 groups" in remark for remark in network.remarks)


def test_autoencoders(tmp_path: Path) -> None:
    mlp = Modules(encoder=relu_mlp(784, 128, 64), decoder=relu_mlp(64, 128, 784))
    network = network_of(mlp.state_dict(), tmp_path)
    assert [group.size for group in network.groups] == [784, 128, 64, 128, 784]
    assert network.confidence is Confidence.LOW

    conv1, conv2 = conv(1, 16, 4)
    turned = Modules(
        conv1=conv1,
        conv2=conv2,
        t_conv1=nn.ConvTranspose2d(4, 16, 2),
        t_conv2=nn.ConvTranspose2d(16, 1, 2),
    )
    network = network_of(turned.state_dict(), tmp_path)
    assert [layer.kind for layer in views(network)] == ["conv"] * 2 + ["conv-transpose"] * 2
    assert [group.size for group in network.groups] == [1, 16, 4, 16, 1]


def test_generator_of_transposed_convolutions_without_bias(tmp_path: Path) -> None:
    sizes = (100, 64, 32, 32, 1)
    layers = [nn.ConvTranspose2d(a, b, 4, bias=False) for a, b in pairwise(sizes)]

    network = network_of(nn.Sequential(*layers).state_dict(), tmp_path)

    assert {layer.kind for layer in views(network)} == {"conv-transpose"}
    assert [group.size for group in network.groups] == list(sizes)


def test_convolution_that_may_be_transposed_is_an_assumption(tmp_path: Path) -> None:
    network = network_of(nn.Sequential(*conv(4, 4, 4)).state_dict(), tmp_path)

    assert {layer.kind for layer in views(network)} == {"conv"}
    assert "0 is taken as a plain convolution" in network.remarks


def test_norm_behind_a_layer_of_another_number(tmp_path: Path) -> None:
    """The MNIST network of burn's examples: norm1 stands between conv3 and fc1."""
    conv1, conv2, conv3 = conv(1, 8, 16, 24)
    fc1, fc2 = linear(24 * 484, 32, 10)
    state = Modules(
        conv1=conv1,
        conv2=conv2,
        conv3=conv3,
        norm1=nn.BatchNorm2d(24),
        fc1=fc1,
        fc2=fc2,
        norm2=nn.BatchNorm1d(10),
    ).state_dict()

    network = network_of(state, tmp_path)

    found = [[norm.scale for norm in layer.after] for layer in views(network)]
    assert found == [[], [], ["norm1.weight"], [], ["norm2.weight"]]


SHARED = {
    "udacity__deep-learning-v2-pytorch/mnist-mlp__model.pt": [784, 512, 512, 10],
    "udacity__deep-reinforcement-learning/checkpoint_actor.pth": [3, 400, 300, 1],
    "udacity__CVND_Exercises/fashion_net_ex.pt": [1, 10, 20, 50, 10],
    "mrdbourke__pytorch-deep-learning/05_going_modular_script_mode_tinyvgg_model.pth": [
        3, 10, 10, 10, 10, 3
    ],
    "csinva__gan-vae-pretrained-pytorch/G--300.ckpt": [64, 256, 256, 784],
    "csinva__gan-vae-pretrained-pytorch/D--300.ckpt": [784, 256, 256, 1],
    "csinva__gan-vae-pretrained-pytorch/lenet_epoch=12_test_acc=0.991.pth": [
        1, 6, 16, 120, 84, 10
    ],
    "rasbt__machine-learning-book/epoch=17-step=15479.ckpt": [784, 32, 16, 10],
    "uvipen__Tetris-deep-Q-learning-pytorch/tetris": [4, 64, 64, 1],
    "tracel-ai__burn/mnist.safetensors": [1, 8, 16, 24, 32, 10],
    "tracel-ai__burn/mnist.pt": [1, 8, 16, 24, 32, 10],
    "vinits5__learning3d/best_ptnet_model.t7": [3, 64, 64, 64, 128, 1024],
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_real_networks(shared: Path, name: str) -> None:
    (checkpoint,) = load(shared / "models" / name, modlint_readers())
    (network,) = build_networks(checkpoint, [NamesBuilder()], []).networks

    assert [group.size for group in network.groups] == SHARED[name]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("akamaster__pytorch_resnet_cifar10/resnet20-12fca82f.th", "may add"),
        ("agaldran__lwnet/model_checkpoint.pth", "residual"),
        ("csinva__gan-vae-pretrained-pytorch/vae_epoch_25.pth", "fc22 takes 400 inputs"),
        ("udacity__deep-reinforcement-learning/checkpoint_critic.pth", "fc2 takes 401 inputs"),
        ("hollance__BlazeFace-PyTorch/blazeface.pth", "no plain chain"),
        ("txie-93__cgcnn/band-gap.pth.tar", "embeddings"),
        ("Mawiszus__TOAD-GUI/num_layer.pth", "no weight matrices"),
        ("Mawiszus__TOAD-GUI/reals.pth", "name and the shape of a layer's weight"),
    ],
)
def test_real_files_without_a_plain_chain(shared: Path, name: str, reason: str) -> None:
    (checkpoint,) = load(shared / "models" / name, modlint_readers())
    (network,) = build_networks(checkpoint, [NamesBuilder()], []).networks

    assert network.reason is not None
    assert reason in network.reason


@pytest.mark.parametrize(
    ("first", "second"),
    [("generator", "discriminator"), ("netG", "netD"), ("G", "D"), ("actor", "critic"),
     ("policy_net", "target_net"), ("q1", "q2"), ("teacher", "student"), ("model", "model_ema")],
)  # fmt: skip
def test_two_networks_in_one_state_dict(tmp_path: Path, first: str, second: str) -> None:
    pair = Modules(**{first: relu_mlp(10, 7, 5), second: relu_mlp(5, 6, 1)}).state_dict()
    pair["log_std"] = torch.zeros(5)

    networks = in_file_order(pair)

    assert networks == in_name_order(pair, tmp_path)
    assert {network.id: network.neurons for network in networks} == {first: 22, second: 12}


def test_encoder_and_decoder_that_do_not_chain_are_two(tmp_path: Path) -> None:
    vae = Modules(encoder=relu_mlp(784, 400, 40), decoder=relu_mlp(20, 400, 784)).state_dict()

    networks = in_file_order(vae)

    assert networks == in_name_order(vae, tmp_path)
    assert [(network.id, network.reason) for network in networks] == [
        ("decoder", None),
        ("encoder", None),
    ]


def test_each_section_is_a_network_and_the_optimiser_none() -> None:
    state = relu_mlp(6, 4, 2).state_dict()
    moments = {"0.exp_avg": torch.ones(4, 6)}

    networks = build(
        tensors_of(state, "state_dict"),
        tensors_of(state, "ema"),
        tensors_of(moments, "optimizer.state", Role.TRAINING_STATE),
        tensors_of({"mean": torch.ones(3)}, "stats"),
    )

    assert [network.id for network in networks] == ["state_dict", "ema"]
    assert views(networks[1])[0].weight == "ema.0.weight"
    assert views(networks[1])[0].name == "0"


def test_every_network_of_a_file_has_an_id_of_its_own() -> None:
    state = relu_mlp(6, 4, 2).state_dict()
    networks = build(tensors_of({"fc.weight": torch.ones(3, 2)}), tensors_of(state, "0"))
    assert [(network.id, len(network.calls)) for network in networks] == [("0", 1), ("0#2", 2)]


@pytest.mark.parametrize("state", [{}, {"step": torch.tensor(3)}, {"<token>": torch.ones(768)}])
def test_file_without_matrices(state: State) -> None:
    (network,) = in_file_order(state)

    assert network == Network("0", reason="the file holds no weight matrices")


class Block(nn.Module):
    """The basic block of ResNet; without `shortcut` its addition leaves no trace in names."""

    def __init__(self, into: int, out: int, shortcut: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2 = conv(into, out, out)
        self.bn1, self.bn2 = nn.BatchNorm2d(out), nn.BatchNorm2d(out)
        if shortcut:
            self.downsample = nn.Conv2d(into, out, 1)


def resnet(shortcut: bool) -> nn.Module:
    return Modules(
        conv1=conv(3, 8)[0],
        layer1=nn.Sequential(Block(8, 8), Block(8, 8)),
        layer2=nn.Sequential(Block(8, 16, shortcut), Block(16, 16)),
        fc=nn.Linear(16, 10),
    )


def u_net() -> nn.Module:
    return Modules(
        enc1=nn.Sequential(*conv(1, 8, 8)),
        enc2=nn.Sequential(*conv(8, 16, 16)),
        up=nn.ConvTranspose2d(16, 8, 2),
        dec1=nn.Sequential(*conv(16, 8, 8)),
        out=conv(8, 1, kernel=1)[0],
    )


def heads() -> nn.Module:
    return Modules(shared=nn.Linear(4, 64), actor=nn.Linear(64, 2), critic=nn.Linear(64, 1))


def variational() -> nn.Module:
    return Modules(
        fc1=nn.Linear(784, 400),
        fc21=nn.Linear(400, 20),
        fc22=nn.Linear(400, 20),
        fc3=nn.Linear(20, 400),
        fc4=nn.Linear(400, 784),
    )


def reshaped() -> nn.Module:
    return Modules(l1=nn.Linear(100, 8 * 16), conv=nn.ConvTranspose2d(8, 1, 4))


def critic() -> nn.Module:
    return Modules(fcs1=nn.Linear(33, 256), fc2=nn.Linear(256 + 4, 128), fc3=nn.Linear(128, 1))


def normalised() -> nn.Module:
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(3, 4)))


NOT_PLAIN: dict[str, tuple[nn.Module, str]] = {
    "ResNet": (resnet(shortcut=True), r"residual .*layer2\.0\.downsample"),
    "ResNet without shortcuts": (resnet(shortcut=False), r"block layer\d\.\d .*may add"),
    "blocks in a list": (
        Modules(
            first=nn.Linear(4, 8),
            blocks=nn.ModuleList(relu_mlp(8, 16, 8) for _ in range(3)),
        ),
        r"block blocks\.\d .*may add",
    ),
    "transformer": (nn.TransformerDecoderLayer(16, 2), "attention: multihead_attn"),
    "GRU cell": (nn.GRUCell(8, 16), "recurrent: weight_hh"),
    "U-Net": (u_net(), "takes 16 channels"),
    "heads": (heads(), "critic takes 64 inputs, actor before it gives 2"),
    "VAE": (variational(), "no plain chain: fc"),
    "reshape": (reshaped(), "l1 is linear and gives 128 neurons, conv is a convolution"),
    "concat": (critic(), "fc2 takes 260 inputs, fcs1 before it gives 256"),
    "embedding": (
        Modules(embedding=nn.Embedding(9, 4), fc=nn.Linear(4, 2)),
        r"embeddings: embedding\.weight",
    ),
    "weight norm": (normalised(), "stored in parts"),
    "layer norm over an image": (
        nn.Sequential(*conv(3, 4), nn.LayerNorm([4, 5, 5])),
        r"no plain layer has: 1\.weight",
    ),
    "norm of no layer": (
        Modules(a=nn.Linear(4, 4), norm=nn.BatchNorm1d(3)),
        r"which layer the norm norm \(3\)",
    ),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_no_network_is_guessed(tmp_path: Path, name: str) -> None:
    module, reason = NOT_PLAIN[name]
    state = module.state_dict()

    for networks in (in_file_order(state), in_name_order(state, tmp_path)):
        (network,) = networks
        assert network.reason is not None
        assert not network.calls
        advice = network.reason.rpartition("; ")[2]
        assert advice in {EXPORT, "remove the parametrisation before saving"}
    (network,) = in_file_order(state)
    assert network.reason is not None
    assert re.search(reason, network.reason), network.reason


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"fc.weight": torch.ones(2, 4, dtype=torch.int8)}, "quantised: fc.weight"),
        ({"fc.weight_orig": torch.ones(2, 4), "fc.weight": torch.ones(2, 4)}, "in parts"),
        ({"fc.weight": torch.ones(2, 4), "table": torch.ones(5, 5)}, "no plain layer has: table"),
        ({"fc.weight": torch.ones(2, 0)}, "a layer's weight: fc.weight"),
        ({"fc.weight": torch.ones(2, 4), "fc.bias": torch.ones(3)}, "bias that does not fit"),
        ({"0": torch.ones(3, 8, 8), "1": torch.ones(3, 9, 9)}, "a layer's weight: 0, 1"),
        ({"a.weight": torch.ones(4, 4), "b.weight": torch.ones(4)}, "no plain layer has: b.weight"),
    ],
)  # fmt: skip
def test_tensors_that_are_no_plain_layer_s(state: State, reason: str) -> None:
    (network,) = in_file_order(state)

    assert network.reason is not None
    assert reason in network.reason


def test_ambiguous_order_is_not_guessed(tmp_path: Path) -> None:
    state = Modules(beta=nn.Linear(8, 8), alpha=nn.Linear(8, 8)).state_dict()

    (network,) = in_name_order(state, tmp_path)

    assert network.reason is not None
    assert "do not tell the order" in network.reason
    (from_file,) = in_file_order(state)
    assert [layer.name for layer in from_file.calls] == ["beta", "alpha"]
    assert from_file.confidence is Confidence.LOW


def test_order_that_only_the_shapes_tell(tmp_path: Path) -> None:
    a, b, c = linear(9, 7, 5, 3)

    network = network_of(Modules(zeta=a, beta=b, kappa=c).state_dict(), tmp_path)

    assert [layer.name for layer in views(network)] == ["zeta", "beta", "kappa"]


def test_spare_tensors_do_not_hide_a_network(tmp_path: Path) -> None:
    state = relu_mlp(6, 4, 2).state_dict()
    state |= {"log_std": torch.zeros(2), "1.weight": torch.ones(1), "mask": torch.ones(3, 3) > 0}

    network = network_of(state, tmp_path)

    assert network.neurons == 12
    assert network.remarks[-1] == "not part of the network: log_std, mask"


def test_thousands_of_layers_and_odd_names(tmp_path: Path) -> None:
    deep: State = {f"層.{i}.weight": torch.ones(2, 2) for i in range(3_000)}
    assert in_file_order(deep)[0].neurons == 6_002

    odd: State = {f"{'abcdefghij'[i]}..weight": torch.ones(2, 2) for i in range(10)}
    assert in_name_order(odd, tmp_path)[0].reason is not None

    shuffled = list(deep.items())
    random.Random(0).shuffle(shuffled)
    assert in_file_order(dict(shuffled))[0].calls


def test_onnx_files_are_left_to_their_own_builder() -> None:
    checkpoint = Checkpoint(Path("m.onnx"), "onnx", 0, graph=object())

    assert NamesBuilder().build(checkpoint) is None
