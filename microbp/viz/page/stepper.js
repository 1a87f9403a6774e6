// The page of `microbp.viz.stepper`: shows one frame at a time, and writes out the sum behind a number.
"use strict";

(() => {
  const { precision, frames, arrays } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const graph = byId("graph");
  const slider = byId("slider");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const seed = frames.findIndex((frame) => frame.k === "seed");
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
  let current = -1;
  let timer = null;

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

  /** A number in few digits. */
  function text(value) {
    if (value === undefined) return "…";
    if (!Number.isFinite(value)) return String(value).replace("Infinity", "inf").replace("NaN", "nan");
    if (value === 0) return "0";
    const exponent = Math.floor(Math.log10(Math.abs(value)));
    const short =
      exponent < -4 || exponent >= Math.max(precision, 6)
        ? value.toExponential(precision - 1).replace(/\.?0+e/, "e")
        : value.toPrecision(precision);
    return (short.includes("e") ? short : String(Number(short))).replaceAll("-", "−");
  }

  const bracketed = (value) => (value < 0 ? `(${text(value)})` : text(value));

  /** Text whose derivatives and shapes do not break across lines. */
  const unbroken = (line) =>
    line.replaceAll("/∂", "/\u2060∂").replace(/\(\d[\d, ]*\)/g, (shape) => shape.replaceAll(" ", "\u00a0"));

  // -- colours ------------------------------------------------------------------------------

  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };

  /** Fill and ink: blue below zero, orange above, the stronger the larger; the ink that is easier to read. */
  function heat(value, largest) {
    const paper = dark.matches ? [29, 35, 42] : [246, 248, 250];
    const hue =
      value < 0 ? (dark.matches ? [86, 180, 233] : [0, 114, 178]) : dark.matches ? [230, 159, 0] : [213, 94, 0];
    const share = Number.isFinite(value) && largest > 0 ? Math.min(Math.abs(value) / largest, 1) ** 0.8 : 0;
    const fill = Number.isFinite(value)
      ? paper.map((part, k) => Math.round(part + (hue[k] - part) * share))
      : [80, 0, 80];
    const light = luminance(fill);
    return [`rgb(${fill.join(",")})`, (light + 0.05) / 0.05 > 1.05 / (light + 0.05) ? "#000000" : "#ffffff"];
  }

  // -- one frame ----------------------------------------------------------------------------

  function element(tag, content, attributes = {}) {
    const made = document.createElement(tag);
    if (content !== null) made.textContent = content;
    Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
    return made;
  }

  function matrix(part) {
    const array = arrays[part.a];
    const [kept, wide] = corner(array);
    const figure = element("figure", null, { "data-role": part.r, "data-array": part.a });
    const caption = element("figcaption", null);
    const note = array.w ? `, its first ${kept} × ${wide}` : "";
    caption.append(element("b", titles[part.r]), element("span", `${part.c} ${shapeText(array.s)}${note}`));
    const table = element("table", null);
    const largest =
      array.m ?? array.d.reduce((most, v) => (Number.isFinite(Number(v)) ? Math.max(most, Math.abs(v)) : most), 0);
    if (array.s.length && size(array) > 1) {
      const head = element("tr", null);
      if (array.s.length > 1) head.append(element("th", ""));
      for (let column = 0; column < wide; column += 1) head.append(element("th", column));
      table.append(head);
    }
    for (let row = 0; row < kept; row += 1) {
      const line = element("tr", null);
      if (array.s.length > 1 && size(array) > 1) {
        line.append(element("th", unravel(row, array.s.slice(0, -1)).join(",")));
      }
      for (let column = 0; column < wide; column += 1) {
        const value = Number(array.d[row * wide + column]);
        const flat = row * columns(array) + column;
        const [fill, ink] = heat(value, largest);
        const cell = element("td", text(value), { "data-i": flat, title: array.d[row * wide + column] });
        if (part.r === "contribution" || part.r === "accumulated") cell.tabIndex = 0;
        cell.style.background = fill;
        cell.style.color = ink;
        line.append(cell);
      }
      table.append(line);
    }
    if (size(array) === 0) caption.append(element("span", ", empty"));
    figure.append(caption, table);
    return figure;
  }

  function show(position, write = true) {
    const step = Math.min(Math.max(position, 0), frames.length - 1);
    if (step === current) return;
    current = step;
    const frame = frames[step];
    const backward = frame.k !== "forward";
    slider.value = step + 1;
    slider.setAttribute("aria-valuetext", `step ${step + 1} of ${frames.length}: ${frame.t}`);
    byId("counter").textContent = `${step + 1} of ${frames.length}`;
    byId("phase").textContent = backward ? "backward" : "forward";
    byId("phase").className = backward ? "backward" : "forward";
    byId("place").textContent = [frame.o, frame.m && `in ${frame.m}`, frame.w].filter(Boolean).join(" · ");
    byId("sentence").textContent = unbroken(frame.s);
    byId("formulas").replaceChildren(
      ...frame.f.map((line, k) => element("div", line, k === Math.min(1, frame.f.length - 1) ? { class: "main" } : {})),
    );
    byId("matrices").replaceChildren(
      ...frame.p.map((part) =>
        typeof part === "string" ? element("span", part === ":=" ? "=" : part, { class: "sign" }) : matrix(part),
      ),
    );
    const [received, expected] = frame.r || [0, 0];
    byId("received").textContent = received
      ? `${frame.g} ${received === 1 ? "=" : "+="} contribution: ${received} of ${expected} received` +
        (received === expected ? ", complete" : "")
      : "";
    byId("received").className = received && received === expected ? "complete" : "";
    byId("written").textContent = "Click a number to see where it comes from.";
    mark(frame);
    byId("step").scrollTop = 0;
    if (write) {
      try {
        window.history.replaceState(window.history.state, "", `#step=${step + 1}`);
      } catch {
        // a frame in a notebook has no address
      }
    }
  }

  /** Mark where the step is in the graph, and bring it into view. */
  function mark(frame) {
    graph.querySelectorAll(".at, .beside, .along").forEach((old) => old.classList.remove("at", "beside", "along"));
    const [first, ...others] = frame.n.map(byId).filter((found) => found && graph.contains(found));
    others.forEach((found) => found.classList.add("beside"));
    frame.e.forEach((id) => byId(id)?.classList.add("along"));
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
    document.querySelectorAll("td.chosen, td.part").forEach((old) => old.classList.remove("chosen", "part"));
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
    byId("written").textContent = line;
  }

  function sum(rule, flat, shape, name, value) {
    const all = terms(rule, flat, shape);
    const known = all.filter(([left, right]) => left !== undefined && right !== undefined);
    known.forEach(([, , ...places]) => {
      places.filter(Boolean).forEach(([array, place]) => {
        document
          .querySelectorAll(
            `figure[data-array="${array}"]:not([data-role="contribution"]):not([data-role="accumulated"])`,
          )
          .forEach((figure) => figure.querySelector(`td[data-i="${place}"]`)?.classList.add("part"));
      });
    });
    const written = known.map(([left, right]) =>
      rule.t === "sum" ? bracketed(left) : `${bracketed(left)}·${bracketed(right)}`,
    );
    const missing = all.length - known.length;
    if (missing) {
      const rest = value - known.reduce((total, [left, right]) => total + left * right, 0);
      written.push(`${missing} more that are not on this page (${text(rest)})`);
    }
    return `${name} = ${written.length ? written.join(" + ") : "no terms"} = ${text(value)}`;
  }

  // -- controls -----------------------------------------------------------------------------

  function play(on) {
    window.clearInterval(timer);
    timer = on
      ? window.setInterval(() => {
          if (current >= frames.length - 1) play(false);
          else show(current + 1);
        }, 1800)
      : null;
    byId("go-play").setAttribute("aria-pressed", String(on));
    byId("go-play").textContent = on ? "⏸ Pause" : "▶ Play";
  }

  function go(step) {
    play(false);
    show(step);
  }

  /** Make the drawing as high as its place, as far as its text stays legible. */
  function fit() {
    const svg = graph.querySelector("svg");
    if (!svg) return;
    const { width, height } = svg.viewBox.baseVal;
    const scale = Math.min(Math.max((window.innerHeight * 0.36 - 24) / height, 0.9), 4 / 3);
    svg.setAttribute("width", width * scale);
    svg.setAttribute("height", height * scale);
  }

  const fromAddress = () => {
    const found = /^#step=(\d+)$/.exec(window.location.hash);
    return found ? Number(found[1]) - 1 : 0;
  };

  if (!graph.querySelector("svg")) {
    const list = element("ol", null);
    frames
      .filter((frame) => frame.k === "forward")
      .forEach((frame) => list.append(element("li", frame.f[0], { id: frame.n[0] })));
    graph.append(list);
  }
  slider.max = frames.length;
  slider.addEventListener("input", () => go(Number(slider.value) - 1));
  byId("go-first").addEventListener("click", () => go(0));
  byId("go-back").addEventListener("click", () => go(current - 1));
  byId("go-next").addEventListener("click", () => go(current + 1));
  byId("go-last").addEventListener("click", () => go(frames.length - 1));
  byId("go-backward").addEventListener("click", () => go(seed));
  byId("go-play").addEventListener("click", () => {
    if (timer === null && current === frames.length - 1) show(0);
    play(timer === null);
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const cell = event.target.closest?.("td");
    if (event.key === "Enter" && cell) writeOut(cell);
    if (event.key === " " && event.target.tagName !== "BUTTON") {
      event.preventDefault();
      byId("go-play").click();
    }
    if (event.target === slider) return; // which has these keys itself
    const steps = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: frames.length - 1 };
    if (event.key in steps) {
      event.preventDefault();
      go(steps[event.key]);
    }
  });
  byId("matrices").addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) writeOut(cell);
  });
  graph.addEventListener("click", (event) => {
    const id = event.target.closest(".node, li")?.id;
    const after = frames.findIndex((frame, k) => k > current && frame.n[0] === id);
    const found = after >= 0 ? after : frames.findIndex((frame) => frame.n.includes(id));
    if (found >= 0) go(found);
  });
  window.addEventListener("hashchange", () => show(fromAddress()));
  window.addEventListener("resize", () => {
    fit();
    mark(frames[current]);
  });
  dark.addEventListener("change", () => {
    const step = current;
    current = -1;
    show(step, false);
  });
  fit();
  show(fromAddress(), false);
})();
