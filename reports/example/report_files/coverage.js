/* The slider below the coverage chart: how many images are kept above a confidence, and their accuracy. */
"use strict";
(() => {
  const data = globalThis.batchEvalData;
  const slider = document.getElementById("threshold");
  if (!data || !slider) return;

  const chart = document.getElementById("coverage-chart");
  const mark = document.getElementById("coverage-mark");
  const { width, height, floor } = Object.fromEntries(Object.entries(chart.dataset).map(([k, v]) => [k, Number(v)]));
  const percent = (share) => `${(100 * share).toFixed(1)} %`;

  function show() {
    const [n, hits, low, high] = data.coverage[slider.value];
    const whole = data.coverage[0][0];
    document.getElementById("threshold-value").textContent = `${slider.value} %`;
    document.getElementById("threshold-text").textContent = n
      ? `keeps ${percent(n / whole)} of the images (rejects ${(whole - n).toLocaleString("en")}); ` +
        `${percent(hits / n)} of these are correct (95 % interval ${(100 * low).toFixed(1)} to ${percent(high)})`
      : "keeps no image";
    mark.setAttribute("visibility", n ? "visible" : "hidden");
    mark.setAttribute("cx", (width * n) / whole);
    if (n) mark.setAttribute("cy", height * (1 - (hits / n - floor) / (1 - floor)));
  }

  slider.closest(".slider").hidden = false;
  document.querySelector(".coverage-figures").open = false;
  slider.addEventListener("input", show);
  show();
})();
