"""The picture of `modlint clusters`, drawn by matplotlib and read back."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.image
import numpy
import pytest
import torch
from hand_built import planted_weights, random_weights
from matplotlib.colors import to_rgb

from modlint.cli import main
from modlint.portraits.panels import spans
from modlint.portraits.style import ORANGE

SVG = "{http://www.w3.org/2000/svg}"
QUICK = ["--clusters", "5", "--shuffles", "6"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a network of planted modules."""
    monkeypatch.chdir(tmp_path)
    save("model.pt", planted_weights(2, 5, 30, 24, 20, 10))
    return tmp_path


def save(path: str, weights: list[torch.Tensor]) -> None:
    torch.save({f"fc{i}.weight": w for i, w in enumerate(weights)}, path)


def texts(path: str) -> list[str]:
    """The text of an SVG file, as text, in its order."""
    return ["".join(node.itertext()) for node in ET.parse(path).iter(f"{SVG}text")]


def pixels(path: str) -> numpy.ndarray:
    """Red, green and blue of a PNG file, from 0 to 1: (rows, columns, 3)."""
    return matplotlib.image.imread(path)[:, :, :3]


def near(image: numpy.ndarray, colour: str) -> int:
    """How many pixels have that colour."""
    return int((numpy.abs(image - to_rgb(colour)).max(axis=2) < 0.02).sum())


def test_svg_tells_in_text_what_it_shows() -> None:
    assert main(["clusters", "model.pt", *QUICK, "--picture", "model.svg"]) == 0
    found = texts("model.svg")
    assert "model.pt: 5 clusters of 84 neurons" in found
    for expected in ("fc0", "fc1", "fc2", "input (30)", "fc0 (24)", "fc2 (10)"):
        assert expected in found
    assert any(text.startswith("gap 0.") for text in found)
    assert any(text.startswith("n-cut (z -") for text in found)
    assert "of the 5 clusters" in found
    assert "6 shuffles" in found
    images = list(ET.parse("model.svg").iter(f"{SVG}image"))
    assert len(images) == 3


def test_png_has_its_size_and_is_not_blank() -> None:
    assert main(["clusters", "model.pt", *QUICK, "--picture", "model.PNG"]) == 0
    image = pixels("model.PNG")
    assert image.shape == (1260, 1800, 3)
    panels, plots = image[:700], image[700:]
    assert near(panels, ORANGE) > 1_000
    assert near(plots, ORANGE) > 300
    assert len(numpy.unique(panels.reshape(-1, 3), axis=0)) > 50
    assert (image.mean(axis=2) > 0.98).mean() > 0.3


def test_the_blocks_of_planted_modules_are_dark() -> None:
    save("sharp.pt", planted_weights(2, 2, 40, 40, down=0.0))
    arguments = ["clusters", "sharp.pt", "--clusters", "2", "--shuffles", "0"]
    assert main([*arguments, "--picture", "sharp.svg"]) == 0
    (image,) = ET.parse("sharp.svg").iter(f"{SVG}image")
    data = base64.b64decode(image.get("{http://www.w3.org/1999/xlink}href").partition(",")[2])
    upside_down = matplotlib.image.imread(io.BytesIO(data), format="png")
    drawn = upside_down[::-1, :, :3].mean(axis=2)
    assert "scale(1 -1)" in image.get("transform", "")
    half = [side // 2 for side in drawn.shape]
    within = (drawn[: half[0], : half[1]], drawn[half[0] :, half[1] :])
    between = (drawn[: half[0] - 2, half[1] + 2 :], drawn[half[0] + 2 :, : half[1] - 2])
    assert min(block.min() for block in between) > 0.95
    assert max(block.mean() for block in within) < 0.9


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_same_picture_twice_has_the_same_bytes(suffix: str) -> None:
    for name in ("a", "b"):
        assert main(["clusters", "model.pt", *QUICK, "--picture", f"{name}.{suffix}"]) == 0
    assert Path(f"a.{suffix}").read_bytes() == Path(f"b.{suffix}").read_bytes()


def test_names_are_drawn_as_they_are() -> None:
    names = ("<b>$x^$&.weight", "模型.weight", "\x1b.weight")
    weights = planted_weights(2, 5, 30, 24, 20, 10)
    torch.save(dict(zip(names, weights, strict=True)), "odd $y$.pt")
    assert main(["clusters", "odd $y$.pt", *QUICK, "--picture", "odd.svg"]) == 0
    found = texts("odd.svg")
    assert "odd $y$.pt: 5 clusters of 84 neurons" in found
    assert {"<b>$x^$&", "模型", r"\x1b"} <= set(found)
    assert main(["clusters", "odd $y$.pt", *QUICK, "--picture", "odd.png"]) == 0


def test_many_layers_few_neurons_and_no_shuffles() -> None:
    save("deep.pt", random_weights(0, *[9] * 16))
    arguments = ["clusters", "deep.pt", "--clusters", "2", "--shuffles", "0"]
    assert main([*arguments, "--picture", "deep.svg"]) == 0
    found = texts("deep.svg")
    assert "not compared: no shuffles were asked for" in found
    assert any("of the 12 largest of 15 layers" in text for text in found)
    save("tiny.pt", random_weights(0, 3, 3))
    arguments = ["clusters", "tiny.pt", "--clusters", "2", "--shuffles", "2"]
    assert main([*arguments, "--picture", "tiny.svg"]) == 0
    assert "of the 2 clusters" in texts("tiny.svg")


def test_large_layers_are_drawn_by_means_of_blocks() -> None:
    save("wide.pt", random_weights(0, 1500, 400, 10))
    arguments = ["clusters", "wide.pt", "--clusters", "3", "--shuffles", "0"]
    assert main([*arguments, "--picture", "wide.svg"]) == 0
    assert Path("wide.svg").stat().st_size < 500_000
    assert "input (1,500)" in texts("wide.svg")


def test_a_picture_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder.png").mkdir()
    assert main(["clusters", "model.pt", *QUICK, "--picture", "folder.png"]) == 2
    assert "folder.png: Is a directory" in capsys.readouterr().err


def test_spans_are_shares_of_a_side() -> None:
    assert list(spans((2, 0, 6))) == [(0, 0.25), (0.25, 0.25), (0.25, 1)]
