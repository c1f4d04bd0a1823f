/* Tables that are sorted by a click on a column's head: numbers by value, words by name. */
"use strict";
(() => {
  const UNITS = { kB: 1e3, MB: 1e6, GB: 1e9 };

  /** Returns what a cell is sorted by: a number where it begins with one, else its text; empty cells come last. */
  function key(row, column) {
    const text = row.cells[column]?.innerText.trim() ?? "";
    const [, number, unit] = /^([+−-]?[\d,]*\.?\d+)(?:\s*(kB|MB|GB)\b)?/.exec(text) ?? [];
    if (number === undefined) return text === "–" ? "" : text.toLowerCase();
    return Number(number.replaceAll(",", "").replace("−", "-")) * (UNITS[unit] ?? 1);
  }

  function compare(a, b) {
    if (a === "" || b === "") return (a === "") - (b === "");
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sort(table, head) {
    const falling = head.getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const column = head.cellIndex;
    const rows = [...body.rows].map((row) => [key(row, column), row]);
    rows.sort(([a], [b]) => (a === "" || b === "" || !falling ? compare(a, b) : compare(b, a)));
    body.append(...rows.map(([, row]) => row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", falling ? "descending" : "ascending");
  }

  for (const table of document.querySelectorAll("table.figures")) {
    if (!table.tHead || table.tBodies[0].rows.length < 2) continue;
    for (const head of table.tHead.rows[0].cells) {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "sort" });
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }
})();
