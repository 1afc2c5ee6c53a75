"""The argument parser of all commands."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from modlint import __version__
from modlint.cli.clusters_arguments import add_clusters_arguments
from modlint.cli.spectra_arguments import add_spectra_arguments

_EPILOG = "Exit codes: 0 nothing at or above --fail-on, 1 findings, 2 wrong usage, 130 interrupted."
_SEVERITIES = ("error", "warning", "note")
_PROFILES = ("safety", "quality", "release", "training", "interpretability")


def build_parser() -> argparse.ArgumentParser:
    """The parser; `module` in its result names the command's module in `modlint.cli`."""
    parser = argparse.ArgumentParser(
        prog="modlint",
        description="A linter for model checkpoints: reads them, executes nothing in them.",
        epilog=_EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"modlint {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_check(commands)
    _add_inspect(commands)
    _add_clusters(commands)
    _add_spectra(commands)
    _add_diff(commands)
    _add_catalogue(commands)
    _add_baseline(commands)
    _add_clean(commands)
    _add_config(commands)
    _add_init(commands)
    _add_completion(commands)
    _add_help(commands)
    return parser


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _command(commands: _Commands, name: str, module: str, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=f"{help[:1].upper()}{help[1:]}.", epilog=_EPILOG
    )
    parser.set_defaults(module=module)
    return parser


def _add_check(commands: _Commands) -> None:
    parser = _command(commands, "check", "check", "check files, and folders of them, by the rules")
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        default=[Path()],
        metavar="PATH",
        help="files and folders, or - for a list of them on stdin; default: .",
    )
    _add_settings(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--output-format",
        metavar="NAME",
        help="auto, full, concise, github, markdown, sarif, gitlab, json, junit, csv, cyclonedx, or"
        " a plugin's own",
    )
    output.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="NAME[=FILE]",
        help="write this format, into a file perhaps; may be given several times",
    )
    loudness = output.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="show findings alone")
    loudness.add_argument(
        "-v", "--verbose", action="store_true", help="list notes, and what did not fail, too"
    )
    output.add_argument(
        "--statistics", action="store_true", help="show counts by rule in place of findings"
    )
    output.add_argument("--no-progress", action="store_true", help="show no progress on stderr")
    output.add_argument(
        "--debug", action="store_true", help="show tracebacks of what plugins raise"
    )


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """Flags that stand for settings; each keeps the setting's name."""
    rules = parser.add_argument_group(
        "rules (a code, a prefix of it, a name, a profile, or ALL; by commas)"
    )
    for flag, description in (
        ("--select", "run these rules"),
        ("--extend-select", "run these beside the selected"),
        ("--ignore", "do not run these"),
    ):
        rules.add_argument(
            flag, type=_comma_list, metavar="RULES", help=description, action="extend"
        )
    rules.add_argument(
        "--profile",
        dest="select",
        type=_profiles,
        metavar="NAMES",
        help=f"run the rules of these, as --select does: {', '.join(_PROFILES)}",
        action="extend",
    )
    rules.add_argument(
        "--deep",
        action="store_const",
        const=True,
        help="run rules that take long on every file too, as clusterability does",
    )
    gate = parser.add_argument_group("what fails and what is shown")
    gate.add_argument("--fail-on", choices=(*_SEVERITIES, "never"), help="default: error")
    gate.add_argument(
        "--strict",
        action="store_const",
        const=True,
        help="inconclusive verdicts, skipped inputs and failed plugins fail too",
    )
    gate.add_argument(
        "--exit-zero", action="store_const", const=True, help="exit with 0 whatever is found"
    )
    gate.add_argument(
        "--persona",
        choices=("regular", "pedantic", "auditor"),
        help="whom to tell: of smells too, or of all that an audit wants; default: regular",
    )
    gate.add_argument(
        "--min-severity",
        choices=(*_SEVERITIES, "information"),
        help="show in full from here; default: warning, or what --fail-on names",
    )
    gate.add_argument(
        "--min-confidence", choices=("high", "medium", "low"), help="show from here; default: low"
    )
    run = parser.add_argument_group("the run")
    run.add_argument(
        "--exclude",
        type=_comma_list,
        action="extend",
        metavar="PATTERNS",
        help="pass over these files in folders (as in a .gitignore)",
    )
    run.add_argument(
        "--baseline-model",
        metavar="FILE",
        help="a checkpoint to compare the files with, by the rules that compare (CLU006)",
    )
    run.add_argument(
        "--baseline",
        metavar="FILE",
        help="findings that are accepted, as `modlint baseline` writes them",
    )
    run.add_argument(
        "-j",
        "--jobs",
        type=_jobs,
        metavar="N",
        help="check so many files at once; default: auto, as many as there are processors",
    )
    _add_cache_flags(run)
    run.add_argument("--device", choices=("auto", "cpu", "cuda"), help="default: auto")
    run.add_argument("--seed", type=int, metavar="N", help="of everything random; default: 0")
    _add_config_flags(run)


def _add_cache_flags(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--no-cache",
        dest="cache",
        action="store_const",
        const=False,
        help="check what is unchanged too, and keep no outcome",
    )
    parser.add_argument(
        "--paranoid",
        action="store_true",
        help="hash what is known by its size, times and inode to be unchanged",
    )
    _add_cache_folder(parser)


def _add_cache_folder(parser: argparse._ActionsContainer) -> None:
    parser.add_argument("--cache-dir", type=Path, metavar="FOLDER", help="where outcomes are kept")


def _add_config_flags(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="FILE|KEY=VALUE",
        help="a configuration file, or one setting: rules.not-clusterable.shuffles=200",
    )
    parser.add_argument("--isolated", action="store_true", help="read no configuration file")


def _add_inspect(commands: _Commands) -> None:
    parser = _command(
        commands, "inspect", "inspect", "show what is in a file: tensors, metadata, networks"
    )
    parser.add_argument("file", type=Path, metavar="FILE|FOLDER")
    parser.add_argument("--output-format", choices=("full", "json", "dot"), default="full")
    parser.add_argument(
        "--edges",
        action="store_true",
        help="which channel of each weight which column of another reads; in JSON",
    )


def _add_clusters(commands: _Commands) -> None:
    description = "show the clusters of neurons in a file's networks"
    add_clusters_arguments(_command(commands, "clusters", "clusters", description))


def _add_spectra(commands: _Commands) -> None:
    description = "show the spectra of a file's weights: power laws, norms, ranks"
    add_spectra_arguments(_command(commands, "spectra", "spectra", description))


def _add_diff(commands: _Commands) -> None:
    parser = _command(
        commands, "diff", "diff", "compare two checkpoints: what changed, and what got worse"
    )
    parser.add_argument("old", type=Path, metavar="OLD", help="a file or folder to compare with")
    parser.add_argument("new", type=Path, metavar="NEW", help="the file or folder that is judged")
    parser.add_argument("--output-format", default="full", help="full, concise, json, or html")
    parser.add_argument(
        "--lossless", action="store_true", help="whatever differs is a regression: a copy, a cast"
    )
    parser.add_argument(
        "--no-rules", action="store_true", help="compare the tensors alone, run no rules on them"
    )
    parser.add_argument("--fail-on", choices=(*_SEVERITIES, "never"), help="default: error")
    parser.add_argument(
        "--exit-zero", action="store_const", const=True, help="exit with 0 whatever got worse"
    )
    for flag, description in (("--select", "run these rules on both"), ("--ignore", "not these")):
        parser.add_argument(
            flag, type=_comma_list, metavar="RULES", help=description, action="extend"
        )
    parser.add_argument("--no-progress", action="store_true", help="show no progress on stderr")
    _add_config_flags(parser)


def _add_catalogue(commands: _Commands) -> None:
    rules = _command(commands, "rules", "rules", "list the rules")
    rules.add_argument("--output-format", choices=("full", "json"), default="full")
    rule = _command(commands, "rule", "rule", "explain a rule")
    rule.add_argument("selector", metavar="RULE", help="its code or name")
    _command(commands, "plugins", "plugins", "list plugins and what they offer")


def _add_baseline(commands: _Commands) -> None:
    parser = _command(
        commands, "baseline", "baseline", "accept what is found now: write it into a baseline"
    )
    parser.add_argument("paths", nargs="*", type=Path, default=[Path()], metavar="PATH")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why they are accepted")
    parser.add_argument(
        "--expires", type=_day, metavar="DAY", help="the last day on which they are: 2027-01-31"
    )
    parser.add_argument(
        "--prune", action="store_true", help="drop entries that match nothing in the paths"
    )
    parser.add_argument(
        "--map",
        type=_renaming,
        action="append",
        default=[],
        metavar="OLD=NEW",
        help="a file that has got another name",
    )
    parser.add_argument("--no-progress", action="store_true", help="show no progress on stderr")
    _add_settings(parser)


def _add_clean(commands: _Commands) -> None:
    parser = _command(commands, "clean", "clean", "remove the outcomes that are kept of checks")
    _add_cache_folder(parser)


def _add_config(commands: _Commands) -> None:
    parser = _command(commands, "config", "config", "show the settings in force, as TOML")
    _add_settings(parser)


def _add_init(commands: _Commands) -> None:
    parser = _command(commands, "init", "init", "write a modlint.toml with every setting explained")
    parser.add_argument(
        "--profile", choices=_PROFILES, help="what the checks are for; default: all rules"
    )
    parser.add_argument("--force", action="store_true", help="write over a file that is there")
    parser.add_argument(
        "--plugin",
        metavar="NAME",
        help="write a folder NAME instead: a distribution with a rule of your own to begin with",
    )


def _add_completion(commands: _Commands) -> None:
    parser = _command(
        commands, "completion", "completion", "print a script that has a shell complete commands"
    )
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def _add_help(commands: _Commands) -> None:
    parser = _command(commands, "help", "help", "show the usage of a command")
    parser.add_argument("command", nargs="?", metavar="COMMAND")


def _jobs(text: str) -> int | str:
    if text == "auto" or (text.isdecimal() and int(text) >= 1):
        return text if text == "auto" else int(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of files, nor auto")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no day such as 2027-01-31") from error


def _renaming(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise argparse.ArgumentTypeError(f"{text} is not OLD=NEW")
    return old, new


def _profiles(text: str) -> list[str]:
    names = _comma_list(text)
    for name in names:
        if name not in _PROFILES:
            raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(_PROFILES)}")
    return names


def _comma_list(text: str) -> list[str]:
    return [part for part in (piece.strip() for piece in text.split(",")) if part]
