// The page of `microbp.viz.stepper`: shows one frame at a time, and writes out the sum behind a number.
"use strict";

(() => {
  const { precision, frames, arrays } = JSON.parse(document.getElementById("data").textContent);
  const { byId, digits, largest, palette, heat, element, controls } = window.shared;
  const graph = byId("graph");
  const written = byId("written");
  const hint = written.textContent;
  const titles = {
    input: "input",
    output: "output",
    upstream: "upstream gradient",
    wide: "contribution before the sum",
    local: "local derivative",
    factor: "factor",
    operand: "value that the rule asks for",
    contribution: "contribution",
    earlier: "received before",
    accumulated: "accumulated",
  };
  let current = 0;

  // -- arrays -------------------------------------------------------------------------------

  const size = (array) => array.s.reduce((product, length) => product * length, 1);
  const columns = (array) => (array.s.length ? array.s[array.s.length - 1] : 1);
  const rows = (array) => (columns(array) ? size(array) / columns(array) : 0);
  const corner = (array) => array.w || [rows(array), columns(array)];

  /** The number at a flat index; undefined where the page has only a corner of the array. */
  function at(array, flat) {
    const row = Math.floor(flat / columns(array));
    const column = flat % columns(array);
    const [kept, wide] = corner(array);
    return row < kept && column < wide ? Number(array.d[row * wide + column]) : undefined;
  }

  /** The index of an element in all dimensions. */
  function unravel(flat, shape) {
    const index = [];
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index.unshift(flat % shape[axis]);
      flat = Math.floor(flat / shape[axis]);
    }
    return index;
  }

  const ravel = (index, shape) => index.reduce((flat, place, axis) => flat * shape[axis] + place, 0);

  /** The flat index in an array that was broadcast, of an index in what it was broadcast to. */
  function under(index, shape) {
    const last = index.slice(index.length - shape.length);
    return ravel(
      last.map((place, axis) => (shape[axis] === 1 ? 0 : place)),
      shape,
    );
  }

  const shapeText = (shape) => (shape.length ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "scalar");
  const placeText = (index) => (index.length ? `[${index.join(",")}]` : "");

  const text = (value) => (value === undefined ? "…" : digits(value, precision));
  const bracketed = (value) => (value < 0 ? `(${text(value)})` : text(value));

  /** Text whose derivatives and shapes do not break across lines. */
  const unbroken = (line) =>
    line.replaceAll("/∂", "/\u2060∂").replace(/\(\d[\d, ]*\)/g, (shape) => shape.replaceAll(" ", "\u00a0"));

  // -- one frame ----------------------------------------------------------------------------

  function matrix(part) {
    const array = arrays[part.a];
    const [kept, wide] = corner(array);
    const note = size(array) === 0 ? ", empty" : array.w ? `, its first ${kept} × ${wide}` : "";
    const caption = element(
      "figcaption",
      {},
      element("b", {}, titles[part.r]),
      element("span", {}, `${part.c} ${shapeText(array.s)}${note}`),
    );
    const table = element("table");
    const colours = palette();
    const scale = array.m ?? largest(array.d.map(Number));
    if (array.s.length && size(array) > 1) {
      const head = element("tr");
      if (array.s.length > 1) head.append(element("th"));
      for (let column = 0; column < wide; column += 1) head.append(element("th", {}, column));
      table.append(head);
    }
    for (let row = 0; row < kept; row += 1) {
      const line = element("tr");
      if (array.s.length > 1 && size(array) > 1) {
        line.append(element("th", {}, unravel(row, array.s.slice(0, -1)).join(",")));
      }
      for (let column = 0; column < wide; column += 1) {
        const value = Number(array.d[row * wide + column]);
        const flat = row * columns(array) + column;
        const [fill, ink] = heat(value, scale, colours);
        const cell = element("td", { "data-i": flat, title: array.d[row * wide + column] }, text(value));
        if (part.r === "contribution" || part.r === "accumulated") cell.tabIndex = 0;
        cell.style.background = fill;
        cell.style.color = ink;
        line.append(cell);
      }
      table.append(line);
    }
    return element("figure", { "data-role": part.r, "data-array": part.a }, caption, table);
  }

  /** Show a step; what to call it, briefly and for those who listen. */
  function show(step) {
    current = step;
    const frame = frames[step];
    const backward = frame.k !== "forward";
    byId("phase").textContent = backward ? "backward" : "forward";
    byId("phase").className = backward ? "backward" : "forward";
    byId("place").textContent = [frame.o, frame.m && `in ${frame.m}`, frame.w].filter(Boolean).join(" · ");
    byId("sentence").textContent = unbroken(frame.s);
    byId("formulas").replaceChildren(
      ...frame.f.map((line, k) => element("div", k === Math.min(1, frame.f.length - 1) ? { class: "main" } : {}, line)),
    );
    byId("matrices").replaceChildren(
      ...frame.p.map((part) =>
        typeof part === "string" ? element("span", { class: "sign" }, part === ":=" ? "=" : part) : matrix(part),
      ),
    );
    const [received, expected] = frame.r || [0, 0];
    byId("received").textContent = received
      ? `${frame.g} ${received === 1 ? "=" : "+="} contribution: ${received} of ${expected} received` +
        (received === expected ? ", complete" : "")
      : "";
    byId("received").className = received && received === expected ? "complete" : "";
    if (written.textContent !== hint) written.textContent = hint; // it is read out where it changes
    mark(frame);
    byId("step").scrollTop = 0;
    return [`${step + 1} of ${frames.length}`, `step ${step + 1} of ${frames.length}: ${frame.t}`];
  }

  /** Mark where the step is in the graph, and bring it into view. */
  function mark(frame) {
    for (const old of graph.querySelectorAll(".at, .beside, .along")) old.classList.remove("at", "beside", "along");
    const [first, ...others] = frame.n.map(byId).filter((found) => found && graph.contains(found));
    for (const found of others) found.classList.add("beside");
    for (const id of frame.e) byId(id)?.classList.add("along");
    if (!first) return;
    first.classList.remove("beside");
    first.classList.add("at");
    const box = first.getBoundingClientRect();
    const view = graph.getBoundingClientRect();
    graph.scrollLeft += box.left + box.width / 2 - (view.left + view.width / 2);
    graph.scrollTop += box.top + box.height / 2 - (view.top + view.height / 2);
  }

  // -- the sum behind a number --------------------------------------------------------------

  /** The products that add up to one element of the contribution: [left, right, where left, where right]. */
  function terms(rule, flat, shape) {
    const index = unravel(flat, shape);
    if (rule.t === "local") {
      const upstream = arrays[rule.u];
      const place = size(upstream) === 1 ? 0 : under(index, upstream.s);
      return [[at(upstream, place), at(arrays[rule.l], flat), [rule.u, place], [rule.l, flat]]];
    }
    if (rule.t === "product") {
      const [left, right] = [arrays[rule.a], arrays[rule.b]];
      const found = [];
      for (let k = 0; k < columns(left); k += 1) {
        const there = under([...index.slice(0, -1), k], left.s);
        const here = under([...index.slice(0, -2), k, index[index.length - 1]], right.s);
        found.push([at(left, there), at(right, here), [rule.a, there], [rule.b, here]]);
      }
      return found;
    }
    const upstream = arrays[rule.u];
    if (rule.t === "sum") {
      const kept = upstream.s.filter((_, axis) => !rule.x.includes(axis));
      const inner = unravel(flat, kept);
      const found = [];
      for (let place = 0; place < size(upstream); place += 1) {
        const other = unravel(place, upstream.s).filter((_, axis) => !rule.x.includes(axis));
        if (other.every((value, axis) => value === inner[axis])) {
          found.push([at(upstream, place), 1, [rule.u, place], null]);
        }
      }
      return found;
    }
    const start = rule.n.slice(0, flat).reduce((sum, count) => sum + count, 0);
    return rule.i
      .slice(start, start + rule.n[flat])
      .map((place, k) => [at(upstream, place), at(arrays[rule.c], start + k), [rule.u, place], null]);
  }

  function writeOut(cell) {
    const figure = cell.closest("figure");
    const role = figure.dataset.role;
    const flat = Number(cell.dataset.i);
    const frame = frames[current];
    const array = arrays[figure.dataset.array];
    const name = frame.p.find((part) => part.r === role && part.a === Number(figure.dataset.array)).c;
    const place = placeText(unravel(flat, array.s));
    const value = at(array, flat);
    for (const old of document.querySelectorAll("td.chosen, td.part")) old.classList.remove("chosen", "part");
    cell.classList.add("chosen");
    let line = `${name}${place} = ${value}`;
    if (role === "contribution" && frame.x) {
      line = sum(frame.x, flat, array.s, `${name}${place}`, value);
    } else if (role === "accumulated" && frame.r) {
      const contribution = frame.p.find((part) => part.r === "contribution");
      const earlier = frame.p.find((part) => part.r === "earlier");
      if (earlier) {
        const [before, more] = [at(arrays[earlier.a], flat), at(arrays[contribution.a], flat)];
        line = `${name}${place} = ${bracketed(before)} + ${bracketed(more)} = ${text(value)}`;
      } else if (contribution && frame.x) {
        line = sum(frame.x, flat, arrays[contribution.a].s, `${name}${place}`, value);
      }
    }
    written.textContent = line;
  }

  function sum(rule, flat, shape, name, value) {
    const all = terms(rule, flat, shape);
    const known = all.filter(([left, right]) => left !== undefined && right !== undefined);
    const results = ':not([data-role="contribution"]):not([data-role="accumulated"])';
    for (const [, , ...places] of known) {
      for (const [array, place] of places.filter(Boolean)) {
        const cells = document.querySelectorAll(`figure[data-array="${array}"]${results} td[data-i="${place}"]`);
        for (const cell of cells) cell.classList.add("part");
      }
    }
    const parts = known.map(([left, right]) =>
      rule.t === "sum" ? bracketed(left) : `${bracketed(left)}·${bracketed(right)}`,
    );
    const missing = all.length - known.length;
    if (missing) {
      const rest = value - known.reduce((total, [left, right]) => total + left * right, 0);
      parts.push(`${missing} more that are not on this page (${text(rest)})`);
    }
    if (!parts.length) return `${name} = ${text(value)}, as it is not used for the output`;
    return `${name} = ${parts.join(" + ")} = ${text(value)}`;
  }

  // -- the graph and the controls -----------------------------------------------------------

  /** Make the drawing as high as its place, as far as its text stays legible. */
  function fit() {
    const svg = graph.querySelector("svg");
    if (!svg) return;
    const { width, height } = svg.viewBox.baseVal;
    const scale = Math.min(Math.max((window.innerHeight * 0.36 - 24) / height, 0.9), 4 / 3);
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
  }

  if (!graph.querySelector("svg")) {
    const forward = frames.filter((frame) => frame.k === "forward");
    graph.append(element("ol", {}, ...forward.map((frame) => element("li", { id: frame.n[0] }, frame.f[0]))));
  }
  fit();
  const { go } = controls({ word: "step", count: frames.length, pause: 1800, show });
  byId("go-backward").addEventListener("click", () => go(frames.findIndex((frame) => frame.k === "seed")));
  byId("matrices").addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) writeOut(cell);
  });
  byId("matrices").addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (cell && event.key === "Enter") writeOut(cell);
  });
  graph.addEventListener("click", (event) => {
    const id = event.target.closest(".node, li")?.id;
    const after = frames.findIndex((frame, k) => k > current && frame.n[0] === id);
    const found = after >= 0 ? after : frames.findIndex((frame) => frame.n.includes(id));
    if (found >= 0) go(found);
  });
  window.addEventListener("resize", () => {
    fit();
    mark(frames[current]);
  });
})();
