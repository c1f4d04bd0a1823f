// The page: where images come from, and what happens with them.

import { Drawing } from "./canvas.js";
import { Collector } from "./collect.js";
import { showError, showNothing, showReading } from "./result.js";
import { ask, askJson, query } from "./server.js";
import { MOST, Tried } from "./tried.js";

const $ = (id) => document.getElementById(id);
const drawing = new Drawing($("canvas"));
const settings = () => Object.fromEntries(new FormData($("settings")));
const collector = $("collect") && new Collector(() => current, settings);
const tried = new Tried();
const maxBytes = Number(document.body.dataset.maxBytes);
const AT_A_TIME = 2; // requests for several files; the server reads as many at once as it has cores
const waiting = []; // images to read after the one on the stage, with their settings
let photos = 0; // numbers the chosen images
let readers = 0; // how many requests for waiting images are in progress
let current = null; // the image on the stage: { id, name, blob, kind, truth }
let reading = null; // AbortController of the request in progress

async function read() {
  reading?.abort(); // an earlier answer may arrive after a later one
  reading = new AbortController();
  collector?.enable(false);
  if (!current) return showNothing();
  const [image, chosen, { signal }] = [current, settings(), reading];
  try {
    const answer = await answerFor(image, chosen, signal);
    showReading(answer, image.truth);
    collector?.enable(true);
    await tried.read(image, named(chosen), answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    showError(error.message);
    tried.failed(image, named(chosen), error.message);
  }
}

function answerFor(image, chosen, signal) {
  if (image.blob.size > maxBytes) throw new Error(`The file is too large. The limit is ${maxBytes >> 20} MiB.`);
  return askJson(`/api/read?${query(chosen)}`, { method: "POST", body: image.blob, signal });
}

// Return settings with the model's name in place of its number.
function named({ model, preprocess }) {
  return { model: $("settings").elements.model.options[model].text.trim(), preprocess };
}

// drawn images

drawing.addEventListener("change", async () => {
  const blob = drawing.empty ? null : await drawing.image();
  const name = `Drawing ${drawing.number}`;
  current = blob && { id: name, name, blob, kind: "drawing", truth: null };
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

function photo(blob, name, truth = null) {
  photos += 1;
  return { id: `photo ${photos}`, name, blob, kind: "photo", truth };
}

async function show(image) {
  current = image;
  $("source").textContent = image.name;
  $("source").hidden = false;
  $("hint").hidden = true;
  $("clear").disabled = false;
  await read();
  if (current !== image) return; // another image came in the meantime
  // Show the server's copy: browsers cannot show every format.
  $("photo").hidden = $("pictures").hidden;
  $("photo").src = $("original").src;
  enableTools($("photo").hidden); // the canvas below a photo takes no strokes
}

// Show the first file. The others are read too, each in a row.
async function choose(files) {
  const images = [...files].slice(0, MOST).map((file) => photo(file, file.name));
  $("too-many").hidden = files.length <= MOST;
  $("too-many").textContent = `The first ${MOST} of ${files.length} files are read. For more, use batch-eval run.`;
  if (!images.length) return;
  const chosen = settings();
  if (images.length > 1) tried.expect(images, named(chosen));
  waiting.push(...images.slice(1).map((image) => ({ image, chosen })));
  await show(images[0]);
  while (readers < AT_A_TIME && waiting.length) readWaiting();
}

async function readWaiting() {
  readers += 1;
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { image, chosen } = next;
    try {
      await tried.read(image, named(chosen), await answerFor(image, chosen));
    } catch (error) {
      tried.failed(image, named(chosen), error.message);
    }
  }
  readers -= 1;
}

tried.addEventListener("open", ({ detail }) => {
  show(detail);
  $("stage").scrollIntoView({ block: "nearest" });
});

for (const input of [$("upload"), $("camera")]) {
  input.addEventListener("change", () => {
    choose([...input.files]);
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
    await show(photo(await (await ask(`/api/examples/${number}`)).blob(), name, truth));
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
