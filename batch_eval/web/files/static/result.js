// Show how the model reads the image.

const $ = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

export function showNothing(text = "Nothing drawn yet.") {
  $("digit").textContent = "?";
  say(text);
  $("guesses").replaceChildren();
  $("flags").replaceChildren();
  $("truth").hidden = true;
  $("pictures").hidden = true;
}

export function showError(message) {
  showNothing(message);
  $("digit").textContent = "!";
  document.body.dataset.state = "error";
}

export function showReading(reading, truth) {
  const best = reading.guesses[0];
  $("digit").textContent = best?.name ?? "–";
  say(best ? `Reads ${best.name}, ${percent(best.confidence)} sure${reading.reason && `: ${reading.reason}`}` : `Blank: ${reading.reason}`);
  document.body.dataset.state = best ? "read" : "blank";
  showTruth(best, truth);
  $("guesses").replaceChildren(...reading.guesses.map(guess));
  $("flags").replaceChildren(...reading.flags.map((flag) => element("li", { textContent: flag.meaning })));
  showPictures(reading);
}

function say(text) {
  document.body.dataset.state = "none";
  $("verdict").textContent = text;
}

function showTruth(best, truth) {
  $("truth").hidden = truth === null;
  $("truth").textContent = `${best?.name === truth ? "✓ Right" : "✗ Wrong"}: its label is ${truth}.`;
}

function guess({ name, confidence }) {
  const bar = element("span", { className: "bar" });
  bar.style.inlineSize = `${100 * confidence}%`;
  return element(
    "li",
    {},
    element("span", { className: "name", textContent: name }),
    element("span", { className: "track" }, bar),
    element("span", { className: "value", textContent: percent(confidence) }),
  );
}

function showPictures({ original, seen, steps }) {
  $("original").src = original;
  $("seen").src = seen;
  $("no-steps").hidden = steps.length > 0;
  $("steps").replaceChildren(...steps.map(step));
  $("pictures").hidden = false;
}

export function step({ name, picture }) {
  const image = element("img", { src: picture, alt: "" });
  return element("li", {}, element("figure", {}, image, element("figcaption", { textContent: name })));
}
