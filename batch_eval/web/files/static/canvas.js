// Drawing: keep strokes as lists of points, so that each can be undone.

const PAPER = "#ffffff";
const INK = "#16181c";
const CLEARED = { kind: "clear" };

export class Drawing extends EventTarget {
  // Event "change": a stroke is finished or undone, or all are cleared.
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.strokes = [];
    this.number = 1; // of the drawings so far, which `clear` ends
    this.current = null;
    this.tool = "pen";
    this.thickness = 30;
    this.redraw();
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => this.end());
  }

  get visible() {
    return this.strokes.slice(this.strokes.lastIndexOf(CLEARED) + 1);
  }

  get empty() {
    return !this.visible.some((stroke) => stroke.kind === "pen");
  }

  begin(event) {
    if (!event.isPrimary || event.button !== 0) return;
    event.preventDefault();
    this.canvas.setPointerCapture(event.pointerId);
    this.current = { kind: this.tool, thickness: this.thickness, points: [this.place(event)] };
    this.strokes.push(this.current);
    this.draw(this.current);
  }

  move(event) {
    if (!this.current || !event.isPrimary) return;
    // Browsers merge moves between two frames. The merged points keep fast strokes round.
    const between = event.getCoalescedEvents?.() ?? [];
    for (const one of between.length ? between : [event]) this.current.points.push(this.place(one));
    this.draw(this.current);
  }

  end() {
    if (!this.current) return;
    this.current = null;
    // A stroke drawn piece by piece overlaps itself and is a little bolder than one drawn at once, as after an undo.
    this.redraw();
    this.changed();
  }

  place(event) {
    const frame = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / frame.width;
    return [(event.clientX - frame.left) * scale, (event.clientY - frame.top) * scale];
  }

  // Quadratic curves through the midpoints of neighbours, with the points as control points: smooth however far apart.
  draw({ kind, thickness, points }) {
    const pen = this.context;
    pen.strokeStyle = kind === "eraser" ? PAPER : INK;
    pen.lineWidth = thickness;
    pen.lineCap = pen.lineJoin = "round";
    pen.beginPath();
    pen.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      const [[x, y], [nextX, nextY]] = [points[i], points[i + 1]];
      pen.quadraticCurveTo(x, y, (x + nextX) / 2, (y + nextY) / 2);
    }
    pen.lineTo(...points.at(-1));
    pen.stroke();
  }

  redraw() {
    this.context.fillStyle = PAPER;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    for (const stroke of this.visible) this.draw(stroke);
  }

  undo() {
    this.strokes.pop();
    this.redraw();
    this.changed();
  }

  clear() {
    if (this.visible.length) {
      this.strokes.push(CLEARED);
      this.number += 1;
    }
    this.redraw();
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  image() {
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/png"));
  }
}
