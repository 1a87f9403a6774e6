// The page of `Recorder.film` and `lab.compare`: shows one frame at a time, all columns at the same step.
"use strict";

(() => {
  const { steps, columns } = JSON.parse(document.getElementById("data").textContent);
  const { byId, minus, digits, largest, palette, mixed, heat, element, drawn, controls } = window.shared;
  const everywhere = byId("numbers");
  const detail = byId("detail");
  const hint = detail.textContent;
  const PAUSE = 120; // milliseconds between two frames
  const MIDDLE = 127; // the byte of a boundary where it runs
  const UNKNOWN = 255;
  let chosen = null;

  // -- numbers ------------------------------------------------------------------------------

  /** The bytes behind base64 text. */
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  /** Numbers from the first bytes of each as a big-endian float32. */
  function floats(text, width) {
    const raw = bytes(text);
    const view = new DataView(new ArrayBuffer(4));
    const out = new Float32Array(raw.length / width);
    for (let k = 0; k < out.length; k += 1) {
      for (let place = 0; place < width; place += 1) view.setUint8(place, raw[k * width + place]);
      out[k] = view.getFloat32(0);
    }
    return out;
  }

  /** A number in so many digits; a dash where nothing was recorded. */
  const long = (value, most = 6) => (Number.isNaN(value) ? "–" : digits(value, most));

  /** A number for a cell: three decimals, or a power of ten where these would say nothing. */
  function short(value) {
    const size = Math.abs(value);
    if (size === 0 || !Number.isFinite(size)) return long(value);
    if (size < 0.0005 || size >= 9999.5) return minus(value.toExponential(0));
    return minus(value.toFixed(size < 9.9995 ? 3 : size < 99.995 ? 2 : size < 999.95 ? 1 : 0));
  }

  const parsed = (value) => Number(String(value).replace("inf", "Infinity"));

  // -- colours ------------------------------------------------------------------------------

  // Okabe and Ito's, and as many shapes, for those who cannot tell them apart.
  const classes = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [240, 228, 66],
    [86, 180, 233],
    [230, 159, 0],
    [90, 90, 90],
  ];

  // -- parts of the page --------------------------------------------------------------------

  const shapeText = (shape) => (shape.length ? shape.join(" × ") : "1");

  const product = (shape) => shape.reduce((found, length) => found * length, 1);

  /** The index that the number k of an array has in it, as in "2,0,1". */
  const indexText = (k, shape) =>
    shape.map((length, axis) => Math.floor(k / product(shape.slice(axis + 1))) % length).join(",");

  /** How large the numbers of a matrix are. */
  function rangeText(values, strongest) {
    if (strongest > 0) return `±${long(strongest, 2)}`;
    const known = values.filter((value) => !Number.isNaN(value));
    if (known.length === 0) return "no numbers";
    return known.every((value) => value === 0) ? "all 0" : "infinite";
  }

  /**
   * A matrix as a table of cells. `read(frame, k)` gives its numbers, `place(row, column)` what to call them.
   * Without a scale, each frame has its own, as gradients and changes get ever smaller. All dimensions of the shape
   * but the last are rows; where there are more than two, the matrices stand apart from each other.
   */
  function grid({ role, title, corner, shape, scale, read, place, wide }) {
    const [rows, wideness] = corner;
    const tall = shape.slice(0, -1);
    const height = shape.length > 2 ? shape[shape.length - 2] : rows;
    const table = element("table");
    const cells = [];
    let shown = 0;
    if (wideness > 1) {
      const head = element("tr", {}, ...(rows > 1 ? [element("th")] : []));
      for (let column = 0; column < wideness; column += 1) head.append(element("th", {}, String(column)));
      table.append(head);
    }
    for (let row = 0; row < rows; row += 1) {
      const line = element("tr", {}, ...(rows > 1 ? [element("th", {}, indexText(row, tall))] : []));
      line.classList.toggle("apart", row > 0 && row % height === 0);
      for (let column = 0; column < wideness; column += 1) {
        const cell = element("td", { tabindex: wide ? 0 : -1 });
        cell.describe = () => `${place(row, column)} = ${long(read(shown, row * wideness + column), 8)}`;
        cells.push(cell);
        line.append(cell);
      }
      table.append(line);
    }
    const part = rows * wideness < product(shape) ? `, its first ${rows} × ${wideness}` : "";
    const caption = element("figcaption");
    const figure = element("figure", { "data-role": role }, caption, table);
    const update = (frame) => {
      shown = frame;
      const colours = palette();
      const values = cells.map((_, k) => read(frame, k));
      const strongest = scale ?? largest(values);
      caption.textContent = `${title}${part} · ${rangeText(values, strongest)}`;
      const written = wide || everywhere.checked;
      table.classList.toggle("wide", written);
      cells.forEach((cell, k) => {
        const [fill, ink] = Number.isNaN(values[k]) ? ["transparent", "inherit"] : heat(values[k], strongest, colours);
        cell.style.background = fill;
        cell.style.color = ink;
        const text = written ? short(values[k]) : "";
        if (cell.textContent !== text) cell.textContent = text;
      });
    };
    return { figure, update };
  }

  // -- what a column shows ------------------------------------------------------------------

  /** The curve of the loss, those of other columns faint behind it, and where the frame is. */
  function lossChart(column) {
    const [width, height, left, top, bottom] = [340, 150, 46, 8, 18];
    const known = columns.flatMap(({ curve }) => curve[1].map(parsed)).filter(Number.isFinite);
    const lastStep = Math.max(...columns.map(({ curve }) => curve[0][curve[0].length - 1]), 1);
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    const logarithmic = low > 0 && high / low > 20;
    const height_of = (value) => (logarithmic ? Math.log(value) : value);
    const span = height_of(high) - height_of(low) || 1;
    const x = (step) => left + (step / lastStep) * (width - left - 8);
    const y = (value) => top + (1 - (height_of(value) - height_of(low)) / span) * (height - top - bottom);
    const svg = drawn("svg", {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": "The loss over the steps",
    });
    const ordered = [...columns.filter((other) => other !== column), column];
    ordered.forEach((other) => {
      const points = other.curve[0]
        .map((step, k) => [step, parsed(other.curve[1][k])])
        .filter(([, value]) => Number.isFinite(value))
        .map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
      svg.append(drawn("polyline", { points: points.join(" "), ...(other === column ? { class: "own" } : {}) }));
    });
    const label = (text, at) => {
      const made = drawn("text", at);
      made.textContent = text;
      svg.append(made);
    };
    if (known.length) {
      label(long(high, 3), { x: left - 4, y: top + 8, "text-anchor": "end" });
      label(long(low, 3), { x: left - 4, y: height - bottom, "text-anchor": "end" });
    }
    label("step 0", { x: left, y: height - 5 });
    label(String(lastStep), { x: width - 8, y: height - 5, "text-anchor": "end" });
    const line = drawn("line", { y1: top, y2: height - bottom });
    const dot = drawn("circle", { r: 4 });
    svg.append(line, dot);
    const caption = element("figcaption", {}, `loss${logarithmic ? ", logarithmic" : ""}`);
    const figure = element("figure", { class: "loss" }, caption, svg);
    const update = (frame) => {
      const value = parsed(column.loss[frame]);
      const at = x(column.steps[frame]);
      line.setAttribute("x1", at);
      line.setAttribute("x2", at);
      dot.setAttribute("cx", at);
      dot.setAttribute("cy", Number.isFinite(value) ? y(value) : top);
      dot.setAttribute("visibility", Number.isNaN(value) ? "hidden" : "visible");
    };
    return { figure, update };
  }

  /** The mark of a class: a shape of its own beside a colour of its own. */
  function mark(kind, x, y) {
    const r = 0.013;
    const turned = (count, start) =>
      Array.from({ length: count }, (_, k) => {
        const angle = start + (2 * Math.PI * k) / count;
        return `${(x + 1.3 * r * Math.cos(angle)).toFixed(4)},${(y + 1.3 * r * Math.sin(angle)).toFixed(4)}`;
      }).join(" ");
    const fill = `rgb(${mixed(classes[kind % classes.length], [0, 0, 0], 0.15).join(",")})`;
    if (kind % 4 === 0) return drawn("circle", { class: "point", cx: x, cy: y, r, fill });
    const corners = [[], [3, -Math.PI / 2], [4, Math.PI / 4], [4, 0]][kind % 4];
    return drawn("polygon", { class: "point", points: turned(...corners), fill });
  }

  /** The lines where a boundary runs, through the squares of the grid: marching squares. */
  function edges(levels, n) {
    const parts = [];
    const at = (row, column) => levels[row * n + column] - MIDDLE;
    const scaled = (place) => place / (n - 1);
    for (let row = 0; row < n - 1; row += 1) {
      for (let column = 0; column < n - 1; column += 1) {
        const corners = [
          [row, column],
          [row, column + 1],
          [row + 1, column + 1],
          [row + 1, column],
        ];
        const crossings = [];
        corners.forEach(([r, c], k) => {
          const [s, d] = corners[(k + 1) % 4];
          const [a, b] = [at(r, c), at(s, d)];
          if (a < 0 !== b < 0 && Math.abs(a) <= MIDDLE && Math.abs(b) <= MIDDLE) {
            const share = a / (a - b);
            crossings.push(`${scaled(c + share * (d - c)).toFixed(3)} ${(1 - scaled(r + share * (s - r))).toFixed(3)}`);
          }
        });
        for (let k = 0; k + 1 < crossings.length; k += 2) parts.push(`M${crossings[k]}L${crossings[k + 1]}`);
      }
    }
    return parts.join("");
  }

  /** The boundary of a model with two inputs, and the data. */
  function boundaryPicture(plane) {
    const n = plane.grid;
    const levels = plane.levels && bytes(plane.levels);
    const winners = plane.winners && bytes(plane.winners);
    const canvas = element("canvas", { width: n, height: n, "aria-hidden": "true" });
    const svg = drawn("svg", { viewBox: "0 0 1 1", role: "img", "aria-label": "The data and the decision boundary" });
    const edge = drawn("path", { class: "edge" });
    svg.append(edge);
    const [width, height] = [0, 1].map((axis) => plane.high[axis] - plane.low[axis]);
    plane.points.forEach(([x, y], k) => {
      svg.append(
        mark(plane.classes ? plane.classes[k] : 0, (x - plane.low[0]) / width, 1 - (y - plane.low[1]) / height),
      );
    });
    const range = (axis) => `${long(plane.low[axis], 3)} … ${long(plane.high[axis], 3)}`;
    const one = plane.middle === undefined ? "both outputs are equal" : `output ${long(plane.middle, 3)}`;
    const what = winners ? "; the class with the largest output" : levels ? `; the line: ${one}` : "";
    const caption = element("figcaption", {}, `→ ${range(0)}, ↑ ${range(1)}${what}`);
    const picture = element("div", { class: "plane" }, canvas, svg);
    const figure = element("figure", { class: "boundary" }, caption, picture);
    const update = (frame) => {
      if (!levels) return;
      const colours = palette();
      const now = levels.subarray(frame * n * n, (frame + 1) * n * n);
      const context = canvas.getContext("2d");
      const image = context.createImageData(n, n);
      now.forEach((level, k) => {
        const row = n - 1 - Math.floor(k / n); // the second coordinate grows upwards
        const place = 4 * (row * n + (k % n));
        const strength = winners ? level / MIDDLE : Math.abs(level - MIDDLE) / MIDDLE;
        const hue = winners
          ? classes[winners[frame * n * n + k] % classes.length]
          : level < MIDDLE
            ? colours.below
            : colours.above;
        image.data.set(level === UNKNOWN ? [128, 128, 128] : mixed(colours.paper, hue, 0.12 + 0.5 * strength), place);
        image.data[place + 3] = 255;
      });
      context.putImageData(image, 0, 0);
      if (!winners) edge.setAttribute("d", edges(now, n));
    };
    return { figure, update };
  }

  /** A parameter: its numbers, what changed since the last frame, its gradient. */
  function parameterPart(parameter, wide) {
    const [rows, wideness] = parameter.corner;
    const size = rows * wideness;
    const weights = parameter.weights && floats(parameter.weights, 4);
    const grads = parameter.grads && floats(parameter.grads, 3);
    const change = (frame, k) => (frame ? weights[frame * size + k] - weights[(frame - 1) * size + k] : 0);
    const tall = parameter.shape.slice(0, -1);
    const place = (row, column) => `[${[...(tall.length ? [indexText(row, tall)] : []), column].join(",")}]`;
    const shared = { corner: parameter.corner, shape: parameter.shape };
    const grids = [];
    if (weights) {
      grids.push(
        grid({
          ...shared,
          role: "weights",
          title: "weights",
          scale: largest(weights),
          read: (frame, k) => weights[frame * size + k],
          place: (row, column) => `${parameter.name}${place(row, column)}`,
          wide,
        }),
        grid({
          ...shared,
          role: "change",
          title: "change since the last frame",
          read: change,
          place: (row, column) => `change of ${parameter.name}${place(row, column)} since the last frame`,
          wide: false,
        }),
      );
    }
    if (grads) {
      grids.push(
        grid({
          ...shared,
          role: "grads",
          title: "gradient",
          read: (frame, k) => grads[frame * size + k],
          place: (row, column) => `∂L/∂${parameter.name}${place(row, column)}`,
          wide: false,
        }),
      );
    }
    const note = element("p", { class: "note" });
    const section = element(
      "section",
      { "data-parameter": parameter.name },
      element("h3", {}, `${parameter.name} (${shapeText(parameter.shape)})`),
      note,
      element("div", { class: "grids" }, ...grids.map(({ figure }) => figure)),
    );
    const update = (frame) => {
      for (const part of grids) part.update(frame);
      const ratio = parsed(parameter.ratio[frame]);
      note.textContent = Number.isNaN(ratio) ? "" : `changed by ${long(100 * ratio, 3)} % in the step before`;
    };
    return { section, update };
  }

  /** What a module put out, a line for each sample. */
  function outputPart(output) {
    const [rows, wideness] = output.corner;
    const values = floats(output.values, 3);
    const unit = (k) => (output.of.length > 1 ? `[${indexText(k, output.of)}]` : k);
    const part = grid({
      role: "outputs",
      title: `${output.name} (${shapeText(output.shape)}), ${rows} ${rows === 1 ? "sample" : "samples"}`,
      corner: output.corner,
      shape: [rows, product(output.of)],
      scale: largest(values),
      read: (frame, k) => values[frame * rows * wideness + k],
      place: (row, column) => `output ${unit(column)} of ${output.name} for sample ${row}`,
      wide: false,
    });
    part.figure.setAttribute("data-output", output.name);
    return part;
  }

  /** A column with everything in it; returns what brings it to a frame. */
  function build(column) {
    const summary = element("p", { class: "summary" });
    const rates = element("p", { class: "rates" });
    const pictures = [lossChart(column)];
    if (column.plane) pictures.push(boundaryPicture(column.plane));
    const parameters = column.parameters.map((parameter) => parameterPart(parameter, columns.length === 1));
    const outputs = column.outputs.map(outputPart);
    const place = element("section", { class: "column" });
    if (column.name) place.append(element("h2", {}, column.name));
    const overview = element("div", { class: "overview" }, summary, rates);
    overview.append(element("div", { class: "pictures" }, ...pictures.map(({ figure }) => figure)));
    const matrices = element("div", { class: "matrices" }, ...parameters.map(({ section }) => section));
    if (outputs.length) {
      matrices.append(element("h3", {}, "Outputs of the modules, a line for each sample"));
      matrices.append(element("div", { class: "grids" }, ...outputs.map(({ figure }) => figure)));
    }
    place.append(overview, matrices);
    byId("film").append(place);
    return (position) => {
      const frame = column.at[position];
      const loss = parsed(column.loss[frame]);
      summary.textContent = `step ${column.steps[frame]}, loss ${Number.isNaN(loss) ? "NaN" : long(loss, 5)}`;
      const groups = Object.entries(column.lr);
      const several = groups.length > 1;
      const found = groups.map(([name, values]) => `${several ? `${name}: ` : ""}${long(parsed(values[frame]), 4)}`);
      rates.textContent = found.length ? `learning ${several ? "rates" : "rate"}: ${found.join(" · ")}` : "";
      for (const part of [...pictures, ...parameters, ...outputs]) part.update(frame);
    };
  }

  // -- frames -------------------------------------------------------------------------------

  byId("film").classList.toggle("single", columns.length === 1);
  const updates = columns.map(build);

  function describe(cell) {
    if (chosen) chosen.classList.remove("chosen");
    chosen = cell;
    if (cell) cell.classList.add("chosen");
    detail.textContent = cell ? cell.describe() : hint;
  }

  /** Show a frame; what to call it. */
  function show(frame) {
    for (const update of updates) update(frame);
    describe(chosen);
    const name = `frame ${frame + 1} of ${steps.length}, step ${steps[frame]}`;
    return [name, name];
  }

  const { refresh } = controls({ word: "frame", count: steps.length, pause: PAUSE, show });
  everywhere.addEventListener("change", refresh);
  for (const kind of ["pointerover", "focusin", "click"]) {
    byId("film").addEventListener(kind, (event) => {
      const cell = event.target.closest("td");
      if (cell) describe(cell);
    });
  }
})();
