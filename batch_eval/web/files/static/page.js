// The page: where images come from, and what happens with them.

import { Drawing } from "./canvas.js";
import { Collector } from "./collect.js";
import { showError, showNothing, showReading } from "./result.js";
import { ask, askJson, query } from "./server.js";

const $ = (id) => document.getElementById(id);
const drawing = new Drawing($("canvas"));
const settings = () => Object.fromEntries(new FormData($("settings")));
const collector = $("collect") && new Collector(() => current, settings);
const maxBytes = Number(document.body.dataset.maxBytes);
let current = null; // the image on the stage: { blob, kind, truth }
let reading = null; // AbortController of the request in progress

async function read() {
  reading?.abort(); // an earlier answer may arrive after a later one
  reading = new AbortController();
  collector?.enable(false);
  if (!current) return showNothing();
  const image = current;
  try {
    if (image.blob.size > maxBytes) throw new Error(`The file is too large. The limit is ${maxBytes >> 20} MiB.`);
    const path = `/api/read?${query(settings())}`;
    showReading(await askJson(path, { method: "POST", body: image.blob, signal: reading.signal }), image.truth);
    collector?.enable(true);
  } catch (error) {
    if (error.name !== "AbortError") showError(error.message);
  }
}

// drawn images

drawing.addEventListener("change", async () => {
  const blob = drawing.empty ? null : await drawing.image();
  current = blob && { blob, kind: "drawing", truth: null };
  showDrawing();
  read();
});

function showDrawing() {
  enableTools(true);
  $("photo").hidden = true;
  $("source").hidden = true;
  $("hint").hidden = drawing.visible.length > 0;
  $("undo").disabled = drawing.strokes.length === 0;
  $("clear").disabled = drawing.visible.length === 0;
}

function enableTools(enabled) {
  for (const tool of document.querySelectorAll("[data-tool], #thickness, #undo")) tool.disabled = !enabled;
}

$("canvas").addEventListener("pointerdown", () => ($("hint").hidden = true));
$("undo").addEventListener("click", () => drawing.undo());
$("clear").addEventListener("click", () => drawing.clear());
$("thickness").addEventListener("input", (event) => (drawing.thickness = Number(event.target.value)));
for (const button of document.querySelectorAll("[data-tool]")) {
  button.addEventListener("click", () => {
    drawing.tool = button.dataset.tool;
    for (const one of document.querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", one === button);
  });
}
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !$("undo").disabled) {
    event.preventDefault();
    drawing.undo();
  }
});

// chosen images

async function show(blob, name, truth = null) {
  current = { blob, kind: "photo", truth };
  $("source").textContent = name;
  $("source").hidden = false;
  $("hint").hidden = true;
  $("clear").disabled = false;
  await read();
  if (current?.blob !== blob) return; // another image came in the meantime
  // Show the server's copy: browsers cannot show every format.
  $("photo").hidden = $("pictures").hidden;
  $("photo").src = $("original").src;
  enableTools($("photo").hidden); // the canvas below a photo takes no strokes
}

function choose(files) {
  const file = [...files].find((one) => one.type.startsWith("image/")) ?? files[0];
  if (file) show(file, file.name);
}

for (const input of [$("upload"), $("camera")]) {
  input.addEventListener("change", () => {
    choose(input.files);
    input.value = ""; // so that choosing the same file again is a change
  });
}
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  $("stage").classList.add("over");
});
for (const end of ["dragleave", "drop"]) document.addEventListener(end, () => $("stage").classList.remove("over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  choose(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => choose(event.clipboardData.files));
$("example")?.addEventListener("click", async () => {
  try {
    const { number, name, truth } = await askJson("/api/example");
    await show(await (await ask(`/api/examples/${number}`)).blob(), name, truth);
  } catch (error) {
    showError(error.message);
  }
});

$("settings").addEventListener("change", read);
$("settings").addEventListener("submit", (event) => event.preventDefault());
collector?.addEventListener("saved", () => {
  drawing.clear();
  $("stage").scrollIntoView({ block: "nearest" }); // on a phone the labels are below it
});
showDrawing();
