"""What is to be said of each global that a checkpoint's pickles name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

from modlint.checkpoint import Checkpoint
from modlint.pickles import GlobalUse, PickleTrace
from modlint.verdict import Confidence, Severity
from modlint_rules.safety.acting import acts, leads_through
from modlint_rules.safety.allowlist import (
    CALLED,
    CALLED_WITH_LITERALS,
    CALLS_ITS_ARGUMENTS,
    FOLLOWED,
    NAMED,
)
from modlint_rules.safety.libraries import library_of
from modlint_rules.safety.standard_library import reaches_standard_library
from modlint_rules.safety.torch_classes import TORCH_CLASSES

_CALLED = "is called when the file is loaded, and is not on the allow-list"
_ENUM = (
    "is called with one number, as a member of an enumeration is written; a function of that name"
    " would run"
)
_BUILDS_CODE = (
    "rebuilds a function from code that the file holds; loading does not call it, whatever uses"
    " the object may"
)
_PATCHED = "is patched when the file is loaded: the file changes it for the whole process"
_UNLISTED = "loading imports it, and nothing in a checkpoint needs it"
_HANDED_ON = "is handed to what may call it when the file is loaded, and is not on the allow-list"
_BESIDE = "is named beside a function that calls what it is given"
_EVALUATES = "rebuilding one evaluates or unpickles what the file holds"
_SHARED_MEMBER = (
    "is an enumeration, whose members no pickler looks up so: what is set on one is set for the"
    " whole process"
)
_REBUILT = "an instance is rebuilt, which imports its module and may run its __setstate__"
_PUSHED = "loading imports its module; the file does not call it"

_WRITES_FUNCTIONS = "stable-baselines3"
"""Format whose library writes its schedules as functions by value."""
_CLOUDPICKLE = frozenset({"cloudpickle.cloudpickle", "cloudpickle.cloudpickle_fast"})
_CODE_BUILDERS = frozenset(
    {
        "_builtin_type",
        "_fill_function",
        "_function_setstate",
        "_make_cell",
        "_make_empty_cell",
        "_make_function",
        "_make_skel_func",
    }
)
_CODE_TYPES = frozenset({"CellType", "CodeType", "FunctionType", "LambdaType"})
_COMPILED = frozenset(
    {"attributes.pkl", "bytecode.pkl", "constants.pkl", "data.pkl", "mobile_debug_handles.pkl"}
)
_MAKERS = frozenset(
    {
        *(("builtins", name) for name in ("dict", "frozenset", "list", "object", "set", "tuple")),
        *(
            ("__builtin__", name)
            for name in ("dict", "frozenset", "list", "object", "set", "tuple")
        ),
        *(("collections", name) for name in ("Counter", "OrderedDict", "deque")),
        *(("torch", name) for name in ("Size", "device")),
        ("torch.amp.grad_scaler", "_refresh_per_optimizer_state"),
        ("torch.cuda.amp.grad_scaler", "_refresh_per_optimizer_state"),
    }
)
"""What makes a container of whatever it is called with."""
_LAYERS = frozenset(
    (module, name)
    for module, names in TORCH_CLASSES.items()
    if module.startswith("torch.nn.modules.")
    for name in names.split()
)
"""The layers, whose classes a model keeps to make more of them."""
_OWN = frozenset({"torch", "numpy"})
_ONE_VALUE = re.compile(r"[\w.]+\((?:-?\d{1,18}|True|False)\)")
_MERELY_NAMED = ("pushed", "instantiated")


class Judged(Struct, frozen=True):
    """A global that is not taken as safe.

    Attributes:
        member: the archive member whose pickle names it, None for the file itself.
        use: the worst use of it, the first of those.
        count: how often that member's pickles use it.
        severity: how much it weighs.
        confidence: how sure it is to do harm where it does any.
        reason: what is wrong, to follow the rendered use.
    """

    member: str | None
    use: GlobalUse
    count: int
    severity: Severity
    confidence: Confidence
    reason: str


class Familiar(Struct):
    """The globals of one known library that are used as the library writes them.

    Attributes:
        package: the library's top-level package.
        member: the archive member that holds the first, None for the file itself.
        offset: of the first.
        uses: by dotted name, how it is used.
    """

    package: str
    member: str | None
    offset: int
    uses: dict[str, str] = field(default_factory=dict)

    def add(self, use: GlobalUse) -> None:
        """Count a use in; of several, that counts which does most."""
        if use.use != "pushed" or use.qualified not in self.uses:
            self.uses[use.qualified] = use.use


class Judgement(Struct, frozen=True):
    """What is to be said of a checkpoint.

    Attributes:
        judged: every global that is not taken as safe, once for each member, the worst first.
        familiar: by package, what known libraries write.
    """

    judged: tuple[Judged, ...]
    familiar: tuple[Familiar, ...]


def judge(checkpoint: Checkpoint, allowed: frozenset[str]) -> Judgement:
    """Judge every use of every global.

    Args:
        checkpoint: whose pickles to judge.
        allowed: dotted names that the user takes as safe, and `package.*` for classes that are
            only rebuilt or named.
    """
    worst: dict[tuple[str | None, str, str], Judged] = {}
    familiar: dict[str, Familiar] = {}
    stores = checkpoint.pickles if checkpoint.format == _WRITES_FUNCTIONS else ()
    only_stored = {id(t) for t in stores if not _has_unknown_instances(t, allowed)}
    for trace, use, hands_on in _unlisted_uses(checkpoint, allowed):
        library = library_of(use.module)
        if library is not None and library.writes(use):
            first = Familiar(library.package, trace.member, use.offset)
            familiar.setdefault(library.package, first).add(use)
        elif not _covered(use, hands_on, allowed):
            judged = Judged(trace.member, use, 1, *_weigh(use, hands_on))
            if _builds_code(use) and not hands_on and id(trace) in only_stored:
                judged = replace(judged, severity=Severity.WARNING)
            key = (trace.member, use.module, use.name)
            if judged.severity is Severity.WARNING and _builds_code(use):
                key = (None, "cloudpickle", "")  # one finding for the file
            known = worst.get(key, replace(judged, count=0))
            worse = judged if judged.severity.rank > known.severity.rank else known
            worst[key] = replace(worse, count=known.count + 1)
    ordered = sorted(worst.values(), key=lambda judged: -judged.severity.rank)
    return Judgement(tuple(ordered), tuple(familiar[name] for name in sorted(familiar)))


def _unlisted_uses(
    checkpoint: Checkpoint, allowed: frozenset[str]
) -> Iterator[tuple[PickleTrace, GlobalUse, bool]]:
    """Every use that is not on the allow-list, and whether what it names may be called unseen."""
    torchscript = checkpoint.format == "torchscript"
    for trace in checkpoint.pickles:
        hands_on = any(_calls_unseen(use) for use in trace.uses)
        compiled = torchscript and _is_compiled(trace.member)
        for use in trace.uses:
            own_type = compiled and use.module.partition(".")[0] == "__torch__"
            if use.qualified not in allowed and not own_type and not _listed(use):
                yield trace, use, hands_on


def _has_unknown_instances(trace: PickleTrace, allowed: frozenset[str]) -> bool:
    """Whether a pickle rebuilds what nothing is known of: it may call what its state holds."""
    for use in trace.uses:
        if use.use == "instantiated" and use.qualified not in allowed and not _listed(use):
            library = library_of(use.module)
            if library is None or not library.writes(use):
                return True
    return False


def _is_compiled(member: str | None) -> bool:
    """Whether TorchScript reads a pickle itself: its classes are the archive's own."""
    folder, _, leaf = (member or "").rpartition("/")
    return "/" not in folder and (leaf in _COMPILED or leaf.endswith(".debug_pkl"))


def _calls_unseen(use: GlobalUse) -> bool:
    """Whether it is a call that calls what it is given, and that the machine could not follow."""
    if use.followed or use.literal:
        return False
    library = library_of(use.module)
    if library is not None and library.hands_on(use):
        return True
    return use.use == "called" and (use.module, use.name) in CALLS_ITS_ARGUMENTS


def _listed(use: GlobalUse) -> bool:
    pair = (use.module, use.name)
    match use.use:
        case "handed-on":
            return pair in _MAKERS or pair in _LAYERS
        case "called" if use.opcode == "BUILD":
            return False
        case "called":
            followed = use.followed and pair in FOLLOWED
            literal = (use.literal or use.followed) and pair in CALLED_WITH_LITERALS
            return pair in CALLED or followed or literal
        case _:
            return pair in NAMED


def _covered(use: GlobalUse, hands_on: bool, allowed: frozenset[str]) -> bool:
    """Whether a `package.*` of the user takes it as safe: never what may be called."""
    if use.use not in _MERELY_NAMED or (hands_on and use.use == "pushed"):
        return False
    parts = use.module.split(".")
    packages = {".".join((*parts[:depth], "*")) for depth in range(1, len(parts) + 1)}
    library = library_of(use.module)
    evaluates = library is not None and library.evaluates(use)
    return not packages.isdisjoint(allowed) and not _is_unneeded(use) and not evaluates


def _builds_code(use: GlobalUse) -> bool:
    """Whether a use is one of those by which cloudpickle writes a function by value."""
    if use.opcode == "BUILD" or use.use not in ("called", "pushed"):
        return False
    if use.module == "types":
        return use.name in _CODE_TYPES
    return use.module in _CLOUDPICKLE and use.name in _CODE_BUILDERS


def _like_an_enum(use: GlobalUse) -> bool:
    """Whether a call is as an enumeration's member is pickled: a class, and one short value."""
    root = use.module.partition(".")[0]
    if use.use != "called" or not use.literal or use.opcode == "BUILD" or root in _OWN:
        return False
    name = use.name.rpartition(".")[2]
    return name[:1].isupper() and _ONE_VALUE.fullmatch(use.rendered) is not None


def _is_unneeded(use: GlobalUse) -> bool:
    """Whether no checkpoint needs a global: the standard library's, or one that is known to act."""
    if reaches_standard_library(use.module, use.name) or acts(use.module, use.name):
        return True
    return use.use == "instantiated" and leads_through(use.name)


def _weigh(use: GlobalUse, hands_on: bool) -> tuple[Severity, Confidence, str]:
    """Severity, confidence and reason of a use that is not taken as safe."""
    if _like_an_enum(use) and not _is_unneeded(use):
        return Severity.WARNING, Confidence.MEDIUM, _ENUM
    if _builds_code(use):
        return Severity.ERROR, Confidence.HIGH, _BUILDS_CODE
    if use.use == "called":
        patched = use.opcode == "BUILD"
        return Severity.ERROR, Confidence.HIGH, _PATCHED if patched else _CALLED
    if use.use == "handed-on":
        return Severity.ERROR, Confidence.HIGH, _HANDED_ON
    if _is_unneeded(use):
        return Severity.ERROR, Confidence.MEDIUM, _UNLISTED
    library = library_of(use.module)
    if library is not None and library.evaluates(use):
        return Severity.ERROR, Confidence.HIGH, _EVALUATES
    if use.use == "instantiated":
        if library is not None and library.is_enum(use):
            return Severity.ERROR, Confidence.MEDIUM, _SHARED_MEMBER
        return Severity.WARNING, Confidence.HIGH, _REBUILT
    if hands_on:
        return Severity.ERROR, Confidence.MEDIUM, _BESIDE
    return Severity.WARNING, Confidence.MEDIUM, _PUSHED
