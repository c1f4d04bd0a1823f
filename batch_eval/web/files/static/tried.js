// What was tried in this tab: a row for each image, newest first. The server keeps nothing of it.

import { element, percent, step } from "./result.js";

const $ = (id) => document.getElementById(id);
const KEY = "batch_eval.tried.1"; // the number changes with the shape of a row's facts
const SIDE = 84; // pixels of a kept picture's longer side; a row with twelve steps takes about 20 kB
const SMALL = 4096; // characters of a picture that is kept as it is, such as the model's view

export const MOST = 100; // rows; a tab's storage holds 5 MB

export class Tried extends EventTarget {
  // Event "open": the detail is an image to show again.
  constructor() {
    super();
    this.rows = restored().map((facts) => ({ facts, item: element("li", {}) }));
    $("rows").append(...this.rows.map((row) => row.item));
    for (const row of this.rows) this.draw(row);
    $("forget").addEventListener("click", () => this.forget());
    this.count();
  }

  // Show rows that wait for their answers, the first image on top.
  expect(images, settings) {
    for (const image of [...images].reverse()) this.put(image, settings, { state: "waiting" });
  }

  // Show how an image was read. The same image with the same settings keeps its row, such as a drawing that grows.
  async read(image, settings, reading) {
    const best = reading.guesses[0];
    const [thumbnail, ...pictures] = await Promise.all(
      [reading.original, ...reading.steps.map((one) => one.picture)].map(smaller),
    );
    this.put(image, settings, {
      state: best ? "read" : "blank",
      digit: best?.name ?? "–",
      text: best ? `${percent(best.confidence)} sure` : `Blank: ${reading.reason}`,
      right: best && image.truth !== null ? best.name === image.truth : null,
      flags: reading.flags.map((flag) => flag.meaning),
      steps: reading.steps.map(({ name }, i) => ({ name, picture: pictures[i] })),
      thumbnail,
    });
  }

  failed(image, settings, message) {
    this.put(image, settings, { state: "error", digit: "!", text: message });
  }

  put(image, { model, preprocess }, outcome) {
    const key = `${image.id} ${model} ${preprocess}`;
    let row = this.rows.find((one) => one.key === key);
    if (!row) {
      row = { key, image, item: element("li", {}) };
      this.rows.unshift(row);
      $("rows").prepend(row.item);
    }
    row.facts = { name: image.name, model, preprocess, ...outcome };
    for (const old of this.rows.splice(MOST)) old.item.remove();
    this.draw(row);
    this.count();
  }

  draw({ facts, image, item }) {
    const { state, name, model, preprocess, digit = "…", text = "Waiting …", right, flags = [], steps = [] } = facts;
    const mark = { true: " ✓", false: " ✗" }[right] ?? "";
    const again = element("button", { type: "button", textContent: "Show above", hidden: !image });
    again.addEventListener("click", () => this.dispatchEvent(new CustomEvent("open", { detail: image })));
    const thumbnail = facts.thumbnail
      ? element("img", { src: facts.thumbnail, alt: "" })
      : element("span", { className: "no-picture" });
    const summary = element(
      "summary",
      {},
      thumbnail,
      element("span", { className: "read", textContent: digit + mark }),
      element("span", { className: "name", textContent: name }),
      element("span", { className: "text", textContent: text }),
    );
    const details = element("details", { open: item.firstChild?.open ?? false }, summary);
    details.append(
      element("p", { className: "small", textContent: [`${model}, ${preprocess}`, ...flags].join(" · ") }),
      element("ol", { className: "strip" }, ...steps.map(step)),
      again,
    );
    item.dataset.state = state;
    item.replaceChildren(details);
  }

  count() {
    const of = (state) => this.rows.filter(({ facts }) => facts.state === state).length;
    const parts = [["read", "read"], ["blank", "blank"], ["error", "not readable"], ["waiting", "waiting"]]
      .map(([state, words]) => [of(state), words])
      .filter(([number]) => number);
    $("tried").hidden = this.rows.length === 0;
    $("tried-count").textContent = parts.map(([number, words]) => `${number} ${words}`).join(", ");
    if (!of("waiting")) this.keep();
  }

  // Keep the rows in the tab's storage, the newest half of them if it is full.
  keep() {
    for (let rows = this.rows; ; rows = rows.slice(0, rows.length >> 1)) {
      try {
        return sessionStorage.setItem(KEY, JSON.stringify(rows.map((row) => row.facts)));
      } catch (error) {
        // A browser that blocks storage raises too. The rows are then gone after a reload.
        if (!rows.length) return console.info(`The rows are not kept: ${error.message}`);
      }
    }
  }

  forget() {
    this.rows = this.rows.filter(({ facts }) => facts.state === "waiting");
    $("rows").replaceChildren(...this.rows.map((row) => row.item));
    this.count();
  }
}

// Return the rows of this tab before it was loaded again.
function restored() {
  try {
    const facts = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(facts) ? facts : [];
  } catch (error) {
    console.info(`The earlier rows are lost: ${error.message}`);
    return [];
  }
}

// Return a picture as a data URI whose longer side is at most SIDE pixels.
async function smaller(picture) {
  if (picture.length <= SMALL) return picture;
  const image = element("img", { src: picture });
  await image.decode();
  const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
  const size = [image.naturalWidth, image.naturalHeight].map((side) => Math.max(1, Math.round(scale * side)));
  const canvas = element("canvas", { width: size[0], height: size[1] });
  canvas.getContext("2d").drawImage(image, 0, 0, ...size);
  return canvas.toDataURL("image/jpeg", 0.8);
}
