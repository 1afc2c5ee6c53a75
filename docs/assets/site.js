// What the theme leaves unnamed to screen readers, or out of reach of the keyboard.
function complete() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) {
    table.tabIndex = 0;
    table.setAttribute("role", "region");
    table.setAttribute("aria-label", "Table");
  }
}
new MutationObserver(complete).observe(document.body, { childList: true, subtree: true });
complete();
