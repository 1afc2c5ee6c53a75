"""The pages of the site that no file in docs/ holds: a hook of MkDocs (mkdocs.yml names it).

Made when the site is built, so that nothing is written twice: a page for each rule and an index of
them, from the rules' own pages and references; the reference of the command line, from its parser;
the notebooks, as they were executed; and whatever else of the repository a page links to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from docs_site import command_line, repository, rule_pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

RULES, BENCHMARKS = "RULES", "BENCHMARKS"
"""What stands in mkdocs.yml for the lists that are made here."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, and to the navigation those of rules and of benchmarks."""
    from mkdocs.structure.files import File, InclusionLevel

    made = {**rule_pages.pages(), "command-line.md": command_line.page()}
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    linked = repository.linked_from(repository.docs())
    for path in linked:
        name = repository.place(path)
        level = InclusionLevel.UNDEFINED if _named(config.nav, name) else InclusionLevel.NOT_IN_NAV
        source = repository.content(path)
        given = (
            {"abs_src_path": str(repository.ROOT / path)} if source is None else {"content": source}
        )
        files.append(File.generated(config, name, inclusion=level, **given))
    measured = [path for path in linked if path.startswith("benchmarks/") and path.endswith(".md")]
    config.nav = _filled(config.nav, {RULES: rule_pages.navigation(), BENCHMARKS: measured})
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Lead links that are true in the repository to where their target is on the site."""
    return repository.relinked(markdown, page.file.src_uri)


def _named(nav: Any, name: str) -> bool:
    """Whether the navigation has a page."""
    if isinstance(nav, dict):
        return any(_named(value, name) for value in nav.values())
    if isinstance(nav, list):
        return any(_named(value, name) for value in nav)
    return bool(nav == name)


def _filled(nav: Any, lists: dict[str, list[Any]]) -> Any:
    """The navigation with lists in the places of their names."""
    if isinstance(nav, dict):
        return {title: _filled(value, lists) for title, value in nav.items()}
    if isinstance(nav, list):
        return [_filled(value, lists) for value in nav]
    return lists.get(nav, nav)
