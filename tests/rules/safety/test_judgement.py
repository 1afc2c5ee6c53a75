"""How each use of a global is weighed, whatever the machine that noted it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.checkpoint import Checkpoint, Status
from modlint.pickles import GlobalUse, PickleTrace, Use
from modlint_rules.safety.judgement import Judgement, judge

SAFE = "safe"
NOTE = "note"


def use(
    name: str,
    how: Use = "pushed",
    opcode: str = "STACK_GLOBAL",
    followed: bool = False,
    literal: bool = False,
) -> GlobalUse:
    """A use of `module:qualified name`."""
    module, _, qualified = name.partition(":")
    return GlobalUse(module, qualified, how, opcode, 7, name, followed, literal)


def judged(*uses: GlobalUse, allowed: tuple[str, ...] = (), kind: str = "pytorch-zip") -> Judgement:
    trace = PickleTrace("m/data.pkl", 0, 100, 2, 10, uses)
    checkpoint = Checkpoint(Path("m.pt"), kind, 100, Status.CHECKED, pickles=(trace,))
    return judge(checkpoint, frozenset(allowed))


def verdict(*uses: GlobalUse, allowed: tuple[str, ...] = ()) -> str:
    """The severity of the worst finding; "note" where a library is noted, else "safe"."""
    judgement = judged(*uses, allowed=allowed)
    if judgement.judged:
        return str(judgement.judged[0].severity)
    return NOTE if judgement.familiar else SAFE


@pytest.mark.parametrize(
    ("name", "pushed", "instantiated", "called", "handed_on"),
    [
        ("os:system", "error", "error", "error", "error"),
        ("pip:main", "error", "error", "error", "error"),
        ("setuptools.dist:Distribution", "error", "error", "error", "error"),
        ("thirdparty:os.system", "error", "error", "error", "error"),
        ("thirdparty:Net", "warning", "warning", "error", "error"),
        ("torch.hub:load", "error", "error", "error", "error"),
        ("numpy:load", "error", "error", "error", "error"),
        ("thirdparty:np.memmap", *["error"] * 4),
        ("thirdparty:Outer.Inner", *["warning"] * 2, *["error"] * 2),
        ("thirdparty:outer.inner", "warning", *["error"] * 3),
        ("thirdparty.zoo:from_pretrained", *["error"] * 4),
        ("thirdparty.__main__:run", *["error"] * 4),
        ("__main__:Net", *["warning"] * 2, *["error"] * 2),
        ("torch._dynamo.eval_frame:OptimizedModule", *["error"] * 4),
        ("torch._dynamo.decorators:_DimRange", SAFE, SAFE, "error", "error"),
        ("numpy.lib.polynomial:poly1d", SAFE, SAFE, "error", "error"),
        ("numpy:vectorize", *["warning"] * 2, *["error"] * 2),
        ("joblib.numpy_pickle_compat:NDArrayWrapper", *["warning"] * 2, *["error"] * 2),
        ("torch.nn.modules.linear:Linear", SAFE, SAFE, "error", SAFE),
        ("collections:OrderedDict", SAFE, SAFE, SAFE, SAFE),
        ("collections:defaultdict", SAFE, SAFE, SAFE, "error"),
        ("builtins:getattr", "error", "error", "error", "error"),
        ("functools:partial", "error", "error", "error", "error"),
        ("decimal:Decimal", "error", "error", "error", "error"),
        ("_io:BytesIO", SAFE, SAFE, "error", "error"),
        ("uuid:UUID", SAFE, SAFE, "error", "error"),
        ("torch.nn.parallel.distributed:DistributedDataParallel", *["warning"] * 2, *["error"] * 2),
        ("transformers.training_args:TrainingArguments", NOTE, NOTE, "error", "error"),
        ("transformers.trainer_utils:HubStrategy", NOTE, "error", "error", "error"),
        ("transformers.trainer_utils:HubStrategy.EVERY_SAVE", NOTE, "warning", "error", "error"),
        ("transformers.trainer_utils:HubStrategy.__init__", *["warning"] * 2, *["error"] * 2),
        ("transformers.dynamic_module_utils:get_imports", *["error"] * 4),
        ("sklearn.metrics._classification:accuracy_score", NOTE, "warning", "error", "error"),
        ("sklearn.tree._tree:Tree", NOTE, NOTE, NOTE, NOTE),
        ("sklearn.neighbors._kd_tree:newObj", NOTE, NOTE, NOTE, "error"),
        ("scipy.stats._continuous_distns:norm_gen", "error", "error", "error", "error"),
        ("scipy.stats.distributions:norm_gen", "error", "error", "error", "error"),
        ("gym.vector.utils:CloudpickleWrapper", *["error"] * 4),
        ("lightning.fabric.wrappers:OptimizedModule", *["error"] * 4),
        ("thirdparty.layers:FunctionType", *["error"] * 4),
        ("sympy.core.symbol:Symbol", *["error"] * 4),
        ("cookielib:Cookie", *["error"] * 4),
        ("networkx.classes.graph:Graph", NOTE, NOTE, "error", "error"),
        ("networkx.classes.reportviews:OutEdgeDataView", NOTE, NOTE, NOTE, "error"),
    ],
)
def test_each_use_has_its_weight(
    name: str, pushed: str, instantiated: str, called: str, handed_on: str
) -> None:
    assert verdict(use(name)) == pushed
    assert verdict(use(name, "instantiated", "NEWOBJ")) == instantiated
    assert verdict(use(name, "called", "REDUCE")) == called
    assert verdict(use(name, "handed-on", "BUILD")) == handed_on


@pytest.mark.parametrize(
    ("name", "literal", "followed"),
    [
        ("decimal:Decimal", SAFE, SAFE),
        ("fractions:Fraction", SAFE, SAFE),
        ("logging:getLogger", SAFE, SAFE),
        ("re:_compile", SAFE, SAFE),
        ("uuid:UUID", SAFE, SAFE),
        ("io:BytesIO", SAFE, SAFE),
        ("builtins:getattr", "error", SAFE),
        ("functools:partial", "error", SAFE),
        ("os:system", "error", "error"),
        ("builtins:eval", "error", "error"),
        ("transformers.trainer_utils:HubStrategy", NOTE, "error"),
        ("transformers.training_args:TrainingArguments", "error", "error"),
        ("thirdparty:Net", "error", "error"),
    ],
)
def test_calls_with_literals_and_calls_that_are_followed(
    name: str, literal: str, followed: str
) -> None:
    assert verdict(use(name, "called", "REDUCE", literal=True)) == literal
    assert verdict(use(name, "called", "REDUCE", followed=True)) == followed


def test_a_patched_global_is_an_error_listed_or_not() -> None:
    assert verdict(use("torch:Tensor", "called", "BUILD")) == "error"


MASKED = use("numpy.ma.core:_mareconstruct", "called", "REDUCE")
NEW_TREE = use("sklearn.neighbors._kd_tree:newObj", "called", "REDUCE")
FRAME = use("pandas.core.frame:DataFrame", "instantiated", "NEWOBJ")


@pytest.mark.parametrize("caller", [MASKED, NEW_TREE, FRAME], ids=lambda use: use.name)
def test_beside_what_calls_unseen_what_it_is_given(caller: GlobalUse) -> None:
    assert verdict(use("thirdparty:gadget"), caller) == "error"
    assert verdict(use("torch.hub:load"), caller) == "error"
    assert verdict(use("thirdparty:Net", "instantiated", "NEWOBJ"), caller) == "warning"
    assert verdict(use("sklearn.metrics._classification:accuracy_score"), caller) == NOTE
    assert verdict(use("sklearn.neighbors._kd_tree:KDTree"), caller) == NOTE


def test_what_is_followed_or_literal_hands_on_nothing_unseen() -> None:
    followed = use("collections:defaultdict", "called", "REDUCE", followed=True)
    literal = use("numpy.random._pickle:__randomstate_ctor", "called", "REDUCE", literal=True)
    assert verdict(use("thirdparty:Net"), followed) == "warning"
    assert verdict(use("thirdparty:Net"), literal) == "warning"
    assert verdict(use("thirdparty:Net", "handed-on", "REDUCE"), followed) == "error"


@pytest.mark.parametrize("how", ["pushed", "instantiated"])
@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("thirdparty.*", "thirdparty:Net", True),
        ("thirdparty.*", "thirdparty.models.nets:Net", True),
        ("thirdparty.models.*", "thirdparty.models.nets:Net", True),
        ("thirdparty.models.*", "thirdparty:Net", False),
        ("thirdparty.*", "thirdparty2:Net", False),
        ("third.*", "thirdparty:Net", False),
        ("thirdparty.Net", "thirdparty:Net", True),
        ("os.*", "os:system", False),
        ("thirdparty.*", "thirdparty:os.system", False),
        ("scipy.*", "scipy.stats._continuous_distns:norm_gen", False),
    ],
)
def test_allowed_packages_cover_what_is_merely_rebuilt_or_named(
    pattern: str, name: str, covered: bool, how: Use
) -> None:
    assert (verdict(use(name, how), allowed=(pattern,)) == SAFE) is covered


def test_allowed_packages_cover_no_call() -> None:
    package = ("thirdparty.*",)
    assert verdict(use("thirdparty:Net", "called", "REDUCE"), allowed=package) == "error"
    assert verdict(use("thirdparty:Net", "handed-on", "BUILD"), allowed=package) == "error"
    assert verdict(use("thirdparty:Net"), MASKED, allowed=package) == "error"
    assert verdict(use("thirdparty:Net", "instantiated"), MASKED, allowed=package) == SAFE
    exact = ("thirdparty.Net",)
    assert verdict(use("thirdparty:Net", "called", "REDUCE"), allowed=exact) == SAFE


def test_a_library_is_noted_once_with_the_most_that_is_done_with_each_global() -> None:
    arguments = "transformers.training_args:TrainingArguments"
    judgement = judged(
        use(arguments, "instantiated", "NEWOBJ"),
        use(arguments),
        use("transformers.trainer_utils:HubStrategy", "called", "REDUCE", literal=True),
        use("sklearn.svm.classes:SVC", "instantiated", "NEWOBJ"),
    )
    assert not judgement.judged
    sklearn, transformers = judgement.familiar
    assert (sklearn.package, sklearn.member, sklearn.offset) == ("sklearn", "m/data.pkl", 7)
    assert transformers.uses == {
        "transformers.training_args.TrainingArguments": "instantiated",
        "transformers.trainer_utils.HubStrategy": "called",
    }


def test_torchscript_names_its_own_types() -> None:
    own = use("__torch__:Net", "instantiated", "NEWOBJ")
    assert not judged(own, kind="torchscript").judged
    assert verdict(own) == "warning"


MADE = use("cloudpickle.cloudpickle:_make_function", "called", "REDUCE")


@pytest.mark.parametrize(
    ("beside", "severity"),
    [
        ("gymnasium.spaces.box:Box", "warning"),
        ("thirdparty:Net", "error"),
        ("networkx.classes.reportviews:OutEdgeDataView", "error"),
    ],
)
def test_functions_by_value_are_left_to_their_library_where_nothing_calls_them(
    beside: str, severity: str
) -> None:
    found = judged(MADE, use(beside, "instantiated", "NEWOBJ"), kind="stable-baselines3").judged
    assert str(found[0].severity) == severity
