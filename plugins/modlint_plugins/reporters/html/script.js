"use strict";
const tests = {
  text: (row, control) => row.words.includes(control.value.trim().toLowerCase()),
  equal: (row, control) => !control.value || row.data[control.dataset.by] === control.value,
  least: (row, control) => Number(row.data[control.dataset.by]) >= Number(control.value),
  most: (row, control) => Number(row.data[control.dataset.by]) <= Number(control.value),
  only: (row, control) => control.checked || row.data[control.dataset.by] !== "1",
};

for (const form of document.querySelectorAll("form[data-table]")) {
  const table = document.getElementById(form.dataset.table);
  const rows = Array.from(table.tBodies[0].rows, (element) => ({
    element, data: element.dataset, words: element.textContent.toLowerCase(),
  }));
  const controls = Array.from(form.querySelectorAll("[data-test]"));
  const none = table.nextElementSibling;
  const apply = () => {
    let kept = 0;
    for (const row of rows) {
      const shown = controls.every((control) => tests[control.dataset.test](row, control));
      row.element.hidden = !shown;
      kept += shown;
    }
    form.querySelector("output").textContent = `${kept} of ${rows.length} shown`;
    none.hidden = kept > 0;
    table.hidden = kept === 0;
  };
  form.addEventListener("input", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.type === "search") {
      event.target.value = "";
      apply();
    }
  });
  apply();
}

const valueOf = (row, column) => {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent.trim() : cell.dataset.value;
};
const compare = (one, other) => {
  const [a, b] = [Number(one), Number(other)];
  if (one !== "" && other !== "" && !Number.isNaN(a) && !Number.isNaN(b)) return a - b;
  return one.localeCompare(other, "en", { numeric: true });
};
for (const button of document.querySelectorAll(".sort")) {
  button.addEventListener("click", () => {
    const header = button.closest("th");
    const body = header.closest("table").tBodies[0];
    const down = header.getAttribute("aria-sort") === "ascending";
    for (const other of header.parentElement.cells) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = Array.from(body.rows, (row) => [valueOf(row, header.cellIndex), row]);
    rows.sort((one, other) => (down ? compare(other[0], one[0]) : compare(one[0], other[0])));
    body.append(...rows.map((row) => row[1]));
  });
}

for (const button of document.querySelectorAll("[data-fold]")) {
  button.addEventListener("click", () => {
    for (const part of document.querySelectorAll(`details.${button.dataset.within}`)) {
      part.open = button.dataset.fold === "open";
    }
  });
}

const reveal = () => {
  const target = /^#[a-z]+-?\d*$/.test(location.hash) && document.querySelector(location.hash);
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  target.scrollIntoView();
  (target.querySelector("summary") || target).focus({ preventScroll: true });
};
addEventListener("hashchange", reveal);
reveal();
document.addEventListener("click", (event) => {
  const link = event.target.closest && event.target.closest("a[href^='#']");
  if (link && link.getAttribute("href") === location.hash) reveal();
});

document.addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  const search = document.querySelector("form[data-table] input[type=search]");
  if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    search.focus();
  }
});
