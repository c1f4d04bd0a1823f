/* The gallery: replaces the static list of errors. It filters and sorts, and draws cards on demand. */
"use strict";
(() => {
  const data = globalThis.batchEvalData;
  const root = document.getElementById("gallery");
  if (!data || !root || !data.cards.row.length) return;

  const BATCH = 48;
  const ERRORS = ["wrong", "blank"];
  const BLANK = "(blank)";
  const SUSPECT = "label";
  const SHOW = "show?";
  const SVG = "http://www.w3.org/2000/svg";
  const PRINTED = 600;
  const cards = data.cards;
  const filters = root.querySelector("form.filters");
  const list = document.getElementById("gallery-cards");
  const more = document.getElementById("gallery-more");
  const viewer = document.getElementById("viewer");
  const pattern = document.getElementById("card-pattern").content.querySelector(".card");
  const suspects = new Set(cards.suspect);
  const flagRows = data.flags.map((flag) => new Set(flag.rows));
  const onPage = picturesOnPage();
  const corrections = new Map();
  const listeners = [];
  let matches = [];
  let drawn = 0;
  let current = 0;

  /** Returns the pictures in the page itself, by row. In a single file, data.js does not hold them a second time. */
  function picturesOnPage() {
    const found = new Map();
    for (const card of document.querySelectorAll("#static-errors .card")) {
      const images = [...card.querySelectorAll(".picture, .steps")].map((p) => p.querySelector("img")?.getAttribute("src") ?? null);
      found.set(Number(card.dataset.row), images);
    }
    return found;
  }

  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const count = (n) => n.toLocaleString("en");
  const id = (i) => data.ids[cards.row[i]];
  const name = (i) => data.shown[cards.row[i]] ?? id(i);
  const truth = (i) => data.truth.values[data.truth.index[cards.row[i]]];
  const predicted = (i) => (cards.predicted[i] < 0 ? BLANK : data.classes[cards.predicted[i]]);
  const outcome = (i) => data.outcomes[cards.outcome[i]];
  const confidence = (i) => (cards.predicted[i] < 0 ? 0 : cards.shares[i][0]);

  /* ---- choices ---- */

  function option(value, text) {
    const made = document.createElement("option");
    made.value = value;
    made.textContent = text;
    return made;
  }

  function fillChoices() {
    const all = cards.row.map((_, i) => i);
    const present = (of) => [...new Set(all.map(of))].filter((v) => v !== null && v !== undefined);
    const inOrder = (values) => values.sort((a, b) => String(a).localeCompare(String(b), "en", { numeric: true }));
    filters.elements.outcome.append(option("errors", "wrong or blank"), option("", "all shown here"));
    for (const value of present(outcome)) filters.elements.outcome.append(option(value, value.replaceAll("_", " ")));
    for (const [field, of] of [["truth", truth], ["predicted", predicted]]) {
      filters.elements[field].append(option("", "any"), ...inOrder(present(of)).map((v) => option(v, v)));
    }
    filters.elements.slice.append(option("", "any"));
    data.slices.forEach((slice, s) => filters.elements.slice.append(sliceChoices(slice, s, inOrder)));
    filters.elements.flag.append(option("", "any"));
    if (suspects.size) filters.elements.flag.append(option(SUSPECT, "label may be wrong"));
    data.flags.forEach((flag, f) => flag.rows.length && filters.elements.flag.append(option(f, flag.name)));
    filters.elements.outcome.value = all.some((i) => ERRORS.includes(outcome(i))) ? "errors" : "";
  }

  function sliceChoices(slice, s, inOrder) {
    const group = document.createElement("optgroup");
    group.label = slice.name;
    const place = new Map(slice.values.map((value, v) => [value, v]));
    for (const value of inOrder([...slice.values])) group.append(option(`${s}:${place.get(value)}`, value || "(empty)"));
    return group;
  }

  /* ---- filter and sort ---- */

  function test() {
    const wanted = Object.fromEntries(new FormData(filters));
    const needle = wanted.text.trim().toLowerCase();
    const [slice, value] = wanted.slice ? wanted.slice.split(":").map(Number) : [];
    return (i) =>
      (!wanted.outcome || (wanted.outcome === "errors" ? ERRORS.includes(outcome(i)) : outcome(i) === wanted.outcome)) &&
      (!wanted.truth || truth(i) === wanted.truth) &&
      (!wanted.predicted || predicted(i) === wanted.predicted) &&
      (slice === undefined || data.slices[slice].index[cards.row[i]] === value) &&
      (!wanted.flag || (wanted.flag === SUSPECT ? suspects.has(i) : flagRows[wanted.flag].has(cards.row[i]))) &&
      (!needle || `${name(i)}\n${cards.reason[i] ?? ""}`.toLowerCase().includes(needle));
  }

  const ORDERS = {
    surest: (a, b) => confidence(b) - confidence(a),
    unsure: (a, b) => confidence(a) - confidence(b),
    margin: (a, b) => cards.margin[a] - cards.margin[b],
    name: (a, b) => a - b,
  };

  /** Writes the filters into the address, so that a link or a reload shows the same images. */
  function rememberFilters() {
    const given = [...new FormData(filters)].filter(([field, value]) => value !== standard[field]);
    history.replaceState(null, "", given.length ? `#${SHOW}${new URLSearchParams(given)}` : location.pathname);
  }

  function refresh() {
    const keep = test();
    matches = cards.row.map((_, i) => i).filter(keep).sort(ORDERS[filters.elements.sort.value]);
    list.replaceChildren();
    drawn = 0;
    current = 0;
    drawMore();
  }

  /* ---- cards ---- */

  function drawMore() {
    const next = matches.slice(drawn, drawn + BATCH).map((i) => draw(i));
    list.append(...next);
    drawn += next.length;
    if (drawn === next.length && next.length) next[0].querySelector("article").tabIndex = 0;
    more.parentElement.hidden = drawn >= matches.length;
    document.getElementById("gallery-count").textContent =
      `Showing ${count(drawn)} of ${count(matches.length)} that match, of ${count(cards.row.length)} images here.`;
  }

  function draw(i) {
    const card = pattern.cloneNode(true);
    card.dataset.index = i;
    card.querySelector("article").setAttribute("aria-label", `${name(i)}: label ${truth(i) ?? "none"}, read as ${predicted(i)}`);
    card.querySelector(".read").textContent = predicted(i);
    card.querySelector(".read").classList.toggle("right-answer", outcome(i) === "correct");
    card.querySelector(".file bdi").textContent = name(i);
    card.querySelector(".reason").textContent = cards.reason[i] ?? "";
    if (!suspects.has(i)) card.querySelector(".suspect").remove();
    showLabel(card, i);
    drawPictures(card, i);
    drawGuesses(card, i);
    drawTags(card, i);
    listeners.forEach((listener) => listener(card, i));
    return card;
  }

  function showLabel(card, i) {
    const label = card.querySelector(".truth");
    label.textContent = corrections.get(i) ?? truth(i) ?? "–";
    label.classList.toggle("corrected", corrections.has(i));
  }

  function drawPictures(card, i) {
    const kept = onPage.get(cards.row[i]) ?? [];
    const sources = [cards.original[i] ?? kept[0], cards.seen[i] ?? kept[1]];
    const strip = card.querySelector(".steps");
    const steps = cards.steps[i] ?? kept[2];
    if (steps) showPicture(strip.querySelector("img"), steps, true);
    else strip.remove();
    card.querySelectorAll(".picture").forEach((figure, place) => {
      const image = figure.querySelector("img");
      if (sources[place]) showPicture(image, sources[place]);
      else image.replaceWith(Object.assign(document.createElement("div"), { className: "no-picture", textContent: "no picture" }));
    });
  }

  /** Shows a source in an image: a URL, or a part of a sheet, [sheet, left, top, width, height]. */
  function showPicture(image, source, natural = false) {
    if (typeof source === "string") return void (image.src = source);
    const [sheet, left, top, width, height] = source;
    const viewBox = `${left} ${top} ${width} ${height}`;
    const size = natural ? { width, height } : { width: image.width, height: image.height };
    const part = svgElement("svg", { viewBox, role: "img", "aria-label": image.alt, ...size });
    // a picture of another shape than its place would show its neighbours: the inner one cuts them off
    const cut = svgElement("svg", { viewBox, x: left, y: top, width, height });
    cut.append(svgElement("image", { href: data.sheets[sheet] }));
    part.append(cut);
    image.replaceWith(part);
  }

  function svgElement(kind, attributes) {
    const element = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  function drawGuesses(card, i) {
    const rows = card.querySelectorAll(".guesses li");
    if (cards.predicted[i] < 0) card.querySelector(".guesses").remove();
    else rows.forEach((row, place) => drawGuess(row, cards.top[i][place], cards.shares[i][place]));
  }

  function drawGuess(row, guess, share) {
    if (guess === undefined) return row.remove();
    row.querySelector(".name").textContent = data.classes[guess];
    row.querySelector(".fill").setAttribute("width", (100 * share).toFixed(1));
    row.querySelector(".value").textContent = percent(share);
  }

  function drawTags(card, i) {
    const tags = card.querySelector(".tags");
    const tag = tags.querySelector("li");
    tags.replaceChildren();
    for (const slice of data.slices) {
      const value = slice.values[slice.index[cards.row[i]]];
      if (value) tags.append(drawTag(tag.cloneNode(true), slice.name, value));
    }
    data.flags.forEach((flag, f) => {
      if (flagRows[f].has(cards.row[i])) {
        tags.append(Object.assign(document.createElement("li"), { className: "flag", textContent: flag.name }));
      }
    });
    if (!tags.children.length) tags.remove();
  }

  function drawTag(tag, label, value) {
    tag.querySelector(".small").textContent = label;
    tag.querySelector("bdi").textContent = value;
    return tag;
  }

  /* ---- keys, viewer and addresses ---- */

  function focusCard(place) {
    if (place < 0 || place >= matches.length) return;
    while (place >= drawn) drawMore();
    list.children[current]?.querySelector("article").setAttribute("tabindex", "-1");
    current = place;
    const article = list.children[place].querySelector("article");
    article.tabIndex = 0;
    article.focus();
    article.scrollIntoView({ block: "nearest" });
  }

  function columns() {
    return getComputedStyle(list).gridTemplateColumns.split(" ").length;
  }

  function onKey(event) {
    if (event.target.closest("input, select, button, summary, .strip") || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns(), ArrowUp: -columns() }[event.key];
    if (step !== undefined) focusCard(current + step);
    else if (event.key === "Home") focusCard(0);
    else if (event.key === " ") list.children[current].querySelector(".select input").click();
    else if (event.key === "Enter") openViewer(current);
    else return;
    event.preventDefault();
  }

  function openViewer(place) {
    if (place < 0 || place >= matches.length) return;
    while (place >= drawn) drawMore();
    current = place;
    const card = draw(matches[place]);
    card.querySelector(".select").remove();
    document.getElementById("viewer-card").replaceChildren(card);
    document.getElementById("viewer-place").textContent = `${count(place + 1)} of ${count(matches.length)}`;
    if (!viewer.open) viewer.showModal();
  }

  /** Sets the filters that the address holds after #show?, and shows their images. */
  function recallFilters() {
    filters.reset();
    for (const [field, value] of new URLSearchParams(location.hash.slice(SHOW.length + 1))) {
      if (filters.elements[field]) filters.elements[field].value = value;
    }
    refresh();
    document.getElementById("errors").scrollIntoView();
  }

  /** Shows what the address names: #cell-TRUTH-PREDICTED for a cell of the confusion matrix, #tag-N for a tag. */
  function followAddress() {
    if (location.hash.startsWith(`#${SHOW}`)) return recallFilters();
    const [, kind, first, second] = /^#(cell|tag)-(\d+)(?:-(\d+))?$/.exec(location.hash) ?? [];
    if (!kind) return;
    filters.reset();
    filters.elements.outcome.value = "errors";
    if (kind === "tag") filters.elements.flag.value = first;
    else {
      filters.elements.truth.value = data.classes[first];
      filters.elements.predicted.value = data.classes[second] ?? BLANK;
    }
    refresh();
    (kind === "tag" ? filters : document.getElementById("errors")).scrollIntoView();
  }

  function listen() {
    filters.addEventListener("input", () => {
      refresh();
      rememberFilters();
    });
    filters.addEventListener("submit", (event) => event.preventDefault());
    filters.addEventListener("reset", () => setTimeout(refresh));
    filters.querySelector("[type=reset]").addEventListener("click", () => setTimeout(rememberFilters));
    more.addEventListener("click", drawMore);
    new IntersectionObserver((seen) => seen[0].isIntersecting && drawn < matches.length && drawMore(), {
      rootMargin: "800px",
    }).observe(more.parentElement);
    list.addEventListener("keydown", onKey);
    list.addEventListener("click", (event) => {
      const card = event.target.closest(".card");
      if (card && event.target.closest(".pair")) openViewer([...list.children].indexOf(card));
    });
    viewer.addEventListener("click", (event) => event.target.dataset.step && openViewer(current + Number(event.target.dataset.step)));
    viewer.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) openViewer(current + step);
    });
    viewer.addEventListener("close", () => focusCard(current));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.closest("input, select, dialog")) return;
      event.preventDefault();
      filters.elements.text.focus();
    });
    addEventListener("hashchange", followAddress);
    addEventListener("beforeprint", () => {
      while (drawn < Math.min(matches.length, PRINTED)) drawMore();
    });
  }

  globalThis.batchEvalGallery = {
    data,
    corrections,
    /** Calls the listener with each card drawn and its index in the data. */
    onDraw: (listener) => listeners.push(listener),
    id,
    /** Updates the labels of the drawn cards. */
    relabel: () => [...list.children].forEach((card) => showLabel(card, Number(card.dataset.index))),
    redraw: refresh,
  };
  fillChoices();
  const standard = Object.fromEntries(new FormData(filters));
  listen();
  document.getElementById("static-errors").remove();
  root.hidden = false;
  refresh();
  followAddress();
})();
