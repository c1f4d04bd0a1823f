// Save the image under a label, undo that, and evaluate the collection.

import { askJson, query } from "./server.js";
import { percent } from "./result.js";

const $ = (id) => document.getElementById(id);
const buttons = () => document.querySelectorAll("#labels button");

function showCounts(counts) {
  for (const button of buttons()) {
    button.querySelector("[data-count]").textContent = counts[button.dataset.label];
  }
  $("evaluate").disabled = !Object.values(counts).some(Boolean);
}

export class Collector extends EventTarget {
  // Event "saved": an image is on the disk.
  constructor(current, settings) {
    super();
    this.current = current; // returns { blob, kind }, or null
    this.settings = settings; // returns the chosen model and preprocessing
    this.token = null;
    for (const button of buttons()) button.addEventListener("click", () => this.save(button.dataset.label));
    $("undo-save").addEventListener("click", () => this.undoSave());
    $("evaluate").addEventListener("click", () => this.evaluate());
  }

  enable(ready) {
    for (const button of buttons()) button.disabled = !ready;
  }

  async save(label) {
    const image = this.current();
    if (!image) return;
    this.enable(false);
    try {
      const path = `/api/collected?${query({ label, kind: image.kind })}`;
      const { token, counts } = await askJson(path, { method: "POST", body: image.blob });
      this.token = token;
      this.say(`Saved as ${label}.`, counts);
      this.dispatchEvent(new Event("saved"));
    } catch (error) {
      this.say(error.message);
      this.enable(true);
    }
  }

  async undoSave() {
    const token = this.token;
    this.token = null;
    try {
      const { counts } = await askJson(`/api/collected/${token}`, { method: "DELETE" });
      this.say("Deleted.", counts);
    } catch (error) {
      this.say(error.message);
    }
  }

  say(text, counts) {
    $("saved").textContent = text;
    $("undo-save").hidden = this.token === null;
    if (counts) showCounts(counts);
  }

  async evaluate() {
    $("evaluate").disabled = true;
    $("report").hidden = true;
    $("evaluation").textContent = "Evaluating …";
    try {
      const found = await askJson(`/api/evaluate?${query(this.settings())}`, { method: "POST" });
      $("evaluation").textContent = found.scored
        ? `${found.correct} of ${found.scored} correct: ${percent(found.accuracy)} ` +
          `(95 % interval ${percent(found.low)} to ${percent(found.high)})`
        : "No image could be scored. The report says why.";
      $("report").hidden = false;
    } catch (error) {
      $("evaluation").textContent = error.message;
    }
    $("evaluate").disabled = false;
  }
}
