/* Selected images: copy or save their file list, or correct their labels and save labels.csv. */
"use strict";
(() => {
  const gallery = globalThis.batchEvalGallery;
  if (!gallery) return;

  const { data, corrections } = gallery;
  const bar = document.getElementById("actions");
  const newLabel = document.getElementById("new-label");
  const selected = new Set();

  function show() {
    bar.hidden = !selected.size && !corrections.size;
    document.getElementById("selected-count").textContent =
      `${selected.size.toLocaleString("en")} selected` + (corrections.size ? `, ${corrections.size} corrected` : "");
    bar.querySelector("[data-action=labels]").hidden = !corrections.size;
  }

  function select(card, i, on) {
    if (on) selected.add(i);
    else selected.delete(i);
    card.classList.toggle("selected", on);
    show();
  }

  const fileList = () => [...selected].sort((a, b) => a - b).map((i) => `${gallery.id(i)}\n`).join("");

  function save(name, text, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  const quoted = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

  /** Returns every labelled image with its slices as labels.csv. Names stay as they are, so the files are found. */
  function labelsCsv() {
    const corrected = new Map([...corrections].map(([i, label]) => [data.cards.row[i], label]));
    const lines = [["filename", "label", ...data.slices.map((slice) => slice.name)]];
    data.ids.forEach((id, row) => {
      const label = corrected.get(row) ?? data.truth.values[data.truth.index[row]];
      if (label !== null) lines.push([id, label, ...data.slices.map((slice) => slice.values[slice.index[row]])]);
    });
    return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
  }

  const actions = {
    async copy(button) {
      const copied = await navigator.clipboard.writeText(fileList()).then(() => true, () => false);
      button.textContent = copied ? "Copied" : "Blocked: save it instead";
      setTimeout(() => (button.textContent = "Copy file list"), 2000);
    },
    save: () => save("files.txt", fileList(), "text/plain"),
    labels: () => save("labels.csv", labelsCsv(), "text/csv"),
    relabel() {
      selected.forEach((i) => corrections.set(i, newLabel.value));
      gallery.relabel();
      show();
    },
    clear() {
      selected.clear();
      gallery.redraw();
      show();
    },
  };

  for (const name of data.classes) newLabel.append(Object.assign(document.createElement("option"), { textContent: name }));
  bar.addEventListener("click", (event) => actions[event.target.dataset.action]?.(event.target));
  gallery.onDraw((card, i) => {
    const box = card.querySelector(".select input");
    box.checked = selected.has(i);
    card.classList.toggle("selected", box.checked);
    box.addEventListener("change", () => select(card, i, box.checked));
  });
  gallery.redraw();
})();
