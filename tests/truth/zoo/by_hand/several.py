"""Several inputs, several heads, shared parts, graphs, experts, tables of embeddings."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from truth.zoo.architecture import Architecture, Inputs, images
from truth.zoo.parts import Flow, dense


def _siamese(m: Any, a: Tensor, b: Tensor) -> Tensor:
    return m.head(torch.abs(m.tower(a) - m.tower(b)))


def _several(m: Any, image: Tensor, table: Tensor) -> Tensor:
    return m.head(torch.cat([m.image(image), functional.relu(m.table(table))], 1))


def _actor_critic(m: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    h = m.body(x)
    return torch.softmax(m.actor(h), -1), m.critic(h)


def _dueling(m: Any, x: Tensor) -> Tensor:
    h = functional.relu(m.body(x))
    value, advantage = m.value(h), m.advantage(h)
    return value + advantage - advantage.mean(1, keepdim=True)


def _gcn(m: Any, x: Tensor, adjacency: Tensor) -> Tensor:
    h = functional.relu(adjacency @ m.one(x))
    h = functional.relu(adjacency @ m.two(h))
    return m.out(h.mean(1))


def _sage(m: Any, x: Tensor, adjacency: Tensor) -> Tensor:
    h = functional.relu(m.own(x) + m.near(adjacency @ x))
    return m.out(torch.cat([h, adjacency @ h], -1))


def _moe(m: Any, x: Tensor) -> Tensor:
    h = functional.relu(m.inp(x))
    share = torch.softmax(m.router(h), -1)
    experts = torch.stack([m.a(h), m.b(h), m.c(h)], 1)
    return m.out((experts * share.unsqueeze(-1)).sum(1))


def _tables(m: Any, user: Tensor, item: Tensor) -> Tensor:
    return m.head(torch.cat([m.user(user), m.item(item)], -1))


def _two_towers(m: Any, user: Tensor, item: Tensor) -> Tensor:
    return (m.left(m.user(user)) * m.right(m.item(item))).sum(-1)


def _point_net(m: Any, x: Tensor) -> Tensor:
    return m.head(m.each(x.transpose(1, 2)).amax(2))


def _deep_sets(m: Any, x: Tensor) -> Tensor:
    return m.after(m.each(x).sum(1))


def _graph() -> Inputs:
    return torch.randn(2, 5, 4), torch.rand(2, 5, 5)


def _pair() -> Inputs:
    return torch.randint(0, 9, (3,)), torch.randint(0, 11, (3,))


def _moe_parts() -> dict[str, nn.Module]:
    experts = {name: dense(8, 10, 8) for name in "abc"}
    return {"inp": nn.Linear(5, 8), "router": nn.Linear(8, 3), "out": nn.Linear(8, 2), **experts}


def _image() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten())


ARCHITECTURES = (
    Architecture(
        "siamese",
        lambda: Flow(_siamese, tower=dense(6, 8, 8), head=nn.Linear(8, 1)),
        lambda: (torch.randn(3, 6), torch.randn(3, 6)),
    ),
    Architecture(
        "multi_input",
        lambda: Flow(_several, image=_image(), table=nn.Linear(5, 7), head=dense(23, 6, 2)),
        lambda: (torch.randn(2, 1, 4, 4), torch.randn(2, 5)),
    ),
    Architecture(
        "actor_critic",
        lambda: Flow(
            _actor_critic,
            body=nn.Sequential(dense(6, 10, 10), nn.Tanh()),
            actor=nn.Linear(10, 4),
            critic=nn.Linear(10, 1),
        ),
        images(3, 6),
    ),
    Architecture(
        "dueling_dqn",
        lambda: Flow(
            _dueling, body=nn.Linear(6, 9), value=dense(9, 5, 1), advantage=dense(9, 5, 4)
        ),
        images(3, 6),
    ),
    Architecture(
        "gcn",
        lambda: Flow(_gcn, one=nn.Linear(4, 8), two=nn.Linear(8, 8), out=nn.Linear(8, 3)),
        _graph,
    ),
    Architecture(
        "graph_sage",
        lambda: Flow(_sage, own=nn.Linear(4, 6), near=nn.Linear(4, 6), out=nn.Linear(12, 3)),
        _graph,
    ),
    Architecture("mixture_of_experts", lambda: Flow(_moe, **_moe_parts()), images(3, 5)),
    Architecture(
        "embedding_tables",
        lambda: Flow(
            _tables, user=nn.Embedding(9, 4), item=nn.Embedding(11, 6), head=dense(10, 7, 1)
        ),
        _pair,
    ),
    Architecture(
        "two_towers",
        lambda: Flow(
            _two_towers,
            user=nn.Embedding(9, 4),
            item=nn.Embedding(11, 6),
            left=dense(4, 8, 5),
            right=dense(6, 8, 5),
        ),
        _pair,
    ),
    Architecture(
        "point_net",
        lambda: Flow(
            _point_net,
            each=nn.Sequential(
                nn.Conv1d(3, 6, 1), nn.BatchNorm1d(6), nn.ReLU(), nn.Conv1d(6, 9, 1)
            ),
            head=dense(9, 5, 2),
        ),
        images(2, 7, 3),
    ),
    Architecture(
        "deep_sets",
        lambda: Flow(_deep_sets, each=dense(3, 6, 6), after=dense(6, 5, 2)),
        images(2, 7, 3),
    ),
)
