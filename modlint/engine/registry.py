"""Finds plugins and what they offer; one that fails to load is reported, never missing silently."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, cast

import pluggy
from msgspec import Struct
from msgspec.structs import asdict

from modlint import hookspecs
from modlint.analysis.base import Analysis
from modlint.builder import NetworkBuilder
from modlint.errors import Unavailable, explained
from modlint.reader import Reader, Sweep
from modlint.reporter import Reporter
from modlint.rule_reference import RuleReference

ENTRY_POINT_GROUP = "modlint"
OWN_DISTRIBUTION = "modlint"
DISABLE_VARIABLE = "MODLINT_DISABLE_PLUGINS"

REQUIRED = {
    "modlint_readers": ("name", "description", "family", "sniff", "read"),
    "modlint_sweeps": ("name", "description", "sweep"),
    "modlint_networks": ("name", "description", "rank", "build"),
    "modlint_analyses": ("name", "description"),
    "modlint_rules": ("code", "name", "summary", "severity", "source", "place"),
    "modlint_reporters": ("name", "description", "write"),
}
"""What an offer must have to be used."""


class Plugin(Struct, frozen=True):
    """An entry point in the group `modlint`.

    Attributes:
        module: the module that it names.
        distribution: the distribution that declares it.
        version: that distribution's version.
        problem: why it is not (wholly) loaded, None where it is.
    """

    module: str
    distribution: str
    version: str
    problem: str | None = None


class Registry:
    """What the loaded plugins offer; each hook is called when its offers are first asked for.

    Attributes:
        plugins: every entry point found, loaded or not.
        problems: what went wrong so far; complete once `load_all` was called.
    """

    def __init__(self, manager: pluggy.PluginManager) -> None:
        self.plugins: list[Plugin] = []
        self.problems: list[str] = []
        self._manager = manager

    @cached_property
    def readers(self) -> list[Reader]:
        """Readers, in the order of their plugins."""
        return list(self._offers("modlint_readers"))

    @cached_property
    def sweeps(self) -> list[Sweep]:
        """Sweeps, in the order of their plugins."""
        return list(self._offers("modlint_sweeps"))

    @cached_property
    def builders(self) -> list[NetworkBuilder]:
        """Graph builders, by rank."""
        return sorted(self._offers("modlint_networks"), key=lambda builder: builder.rank)

    @cached_property
    def analyses(self) -> list[type[Analysis[Any, Any]]]:
        """Classes of analyses."""
        return list(self._offers("modlint_analyses"))

    def computing(self, analysis: Analysis[Any, Any]) -> Any:
        """The analysis itself, or what computes it where it is only declared.

        Raises:
            Unavailable: no loaded plugin computes it.
        """
        if not analysis.by_plugin:
            return analysis
        declared = type(analysis)
        for offered in self.analyses:
            if issubclass(offered, declared) and offered is not declared:
                settings = asdict(analysis)
                return offered(**settings)
        raise Unavailable(f"no plugin that computes {analysis.name} is loaded")

    @cached_property
    def rules(self) -> dict[str, RuleReference]:
        """References to rules, by code; a code or name that is offered twice is refused."""
        rules: dict[str, RuleReference] = {}
        for rule in self._offers("modlint_rules"):
            rival = next((r for r in rules.values() if rule.name == r.name), None)
            rival = rules.get(rule.code, rival)
            if rival is None:
                rules[rule.code] = rule
            else:
                self.problems.append(
                    f"rule {rule.code} {rule.name} of {rule.module} is refused: "
                    f"{rival.module} offers {rival.code} {rival.name} already"
                )
        return dict(sorted(rules.items()))

    @cached_property
    def reporters(self) -> dict[str, Reporter]:
        """Reporters, by name; a name that is offered twice is refused."""
        reporters: dict[str, Reporter] = {}
        for reporter in self._offers("modlint_reporters"):
            if reporter.name in reporters:
                self.problems.append(f"output format {reporter.name} is offered twice: refused")
            reporters.setdefault(reporter.name, reporter)
        return reporters

    @property
    def versions(self) -> dict[str, str]:
        """Version by top-level package, of the plugins that were loaded."""
        loaded = {p.module.partition(".")[0]: p.version for p in self.plugins if not p.problem}
        return {package: loaded[package] for package in sorted(loaded) if package != "modlint"}

    def load_all(self) -> None:
        """Call every hook that a check uses now, so that `problems` is complete.

        Analyses are not among them: rules name the ones that they need.
        """
        _ = (self.readers, self.sweeps, self.rules, self.reporters)

    def _offers(self, hook: str) -> Iterator[Any]:
        for implementation in self._own_first(hook):
            plugin = implementation.plugin_name
            try:
                offers = list(cast("Iterable[Any]", implementation.function()))
            except Exception as error:  # a plugin's import may raise anything
                self.problems.append(f"plugin {plugin} failed in {hook}: {explained(error)}")
                continue
            for offer in offers:
                missing = [name for name in REQUIRED[hook] if not hasattr(offer, name)]
                if missing:
                    lacks = f"{offer!r} lacks {', '.join(missing)}"
                    self.problems.append(f"plugin {plugin} failed in {hook}: {lacks}")
                else:
                    yield offer

    def _own_first(self, hook: str) -> list[pluggy.HookImpl]:
        """Implementations of a hook: modlint's own before those of others, who cannot oust them."""
        own = {p.module for p in self.plugins if p.distribution == OWN_DISTRIBUTION}
        found = getattr(self._manager.hook, hook).get_hookimpls()
        return sorted(found, key=lambda impl: (impl.plugin_name not in own, impl.plugin_name))


def load_registry() -> Registry:
    """Load every plugin that is installed and not disabled by `MODLINT_DISABLE_PLUGINS`.

    The variable lists modules or distributions, separated by commas.
    """
    disabled = {name.strip() for name in os.environ.get(DISABLE_VARIABLE, "").split(",")}
    manager = pluggy.PluginManager("modlint")
    manager.add_hookspecs(hookspecs)
    registry = Registry(manager)
    found = entry_points(group=ENTRY_POINT_GROUP)
    for entry_point in sorted(found, key=lambda ep: (ep.value, ep.name)):
        _load_plugin(manager, registry, entry_point, disabled)
    return registry


@cache
def _name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    """Parsed once for all entry points of a distribution: it takes milliseconds."""
    if distribution is None:
        return "unknown", "unknown"
    metadata = distribution.metadata
    return metadata["Name"], metadata["Version"]


def _load_plugin(
    manager: pluggy.PluginManager, registry: Registry, entry_point: EntryPoint, disabled: set[str]
) -> None:
    module = entry_point.value
    distribution, version = _name_and_version(entry_point.dist)
    problem = None
    if {module, distribution} & disabled:
        problem = f"disabled by {DISABLE_VARIABLE}"
    else:
        try:
            manager.register(entry_point.load(), name=module)
            manager.check_pending()
        except Exception as error:  # a plugin's import may raise anything
            problem = explained(error)
            registry.problems.append(f"plugin {module} ({distribution}) failed to load: {problem}")
    registry.plugins.append(Plugin(module, distribution, version, problem))
