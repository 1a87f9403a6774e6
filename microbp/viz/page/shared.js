// What the pages of `microbp.viz` and `microbp.lab` share: how numbers are written, the colours of cells, the controls.
"use strict";

window.shared = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const byId = (id) => document.getElementById(id);

  // -- numbers ------------------------------------------------------------------------------

  const minus = (text) => text.replaceAll("-", "−").replace("e+", "e");

  /** A number in at most so many digits, with a power of ten where zeros would only fill. */
  function digits(value, most) {
    if (Number.isNaN(value)) return "nan";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (value === 0) return "0";
    const exponent = Math.floor(Math.log10(Math.abs(value)));
    if (exponent >= -4 && exponent < Math.max(most, 6)) return minus(String(Number(value.toPrecision(most))));
    return minus(value.toExponential(most - 1).replace(/\.?0+e/, "e"));
  }

  /** How far from zero the numbers are. */
  function largest(values) {
    let most = 0;
    for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value));
    return most;
  }

  // -- colours ------------------------------------------------------------------------------

  /** A colour of the style sheet, as red, green and blue. */
  function colour(style, name) {
    const code = style.getPropertyValue(`--${name}`).trim();
    return [1, 3, 5].map((place) => Number.parseInt(code.slice(place, place + 2), 16));
  }

  /** The colours of cells, in the scheme that holds now. */
  function palette() {
    const style = getComputedStyle(document.documentElement);
    return { paper: colour(style, "panel"), below: colour(style, "below"), above: colour(style, "above") };
  }

  const mixed = (from, to, share) => from.map((part, k) => Math.round(part + (to[k] - part) * share));

  function luminance(rgb) {
    const [r, g, b] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  /** Fill and ink of a cell: the farther from zero, the stronger; the ink that is easier to read on the fill. */
  function heat(value, scale, colours) {
    if (!Number.isFinite(value)) return ["#500050", "#ffffff"];
    const share = scale > 0 ? Math.min(Math.abs(value) / scale, 1) ** 0.7 : 0;
    const fill = mixed(colours.paper, value < 0 ? colours.below : colours.above, share);
    const light = luminance(fill) + 0.05;
    return [`rgb(${fill.join(",")})`, light / 0.05 > 1.05 / light ? "#000000" : "#ffffff"];
  }

  // -- parts of the page --------------------------------------------------------------------

  function filled(made, attributes, content) {
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...content);
    return made;
  }

  const element = (tag, attributes = {}, ...content) => filled(document.createElement(tag), attributes, content);
  const drawn = (tag, attributes = {}, ...content) => filled(document.createElementNS(SVG, tag), attributes, content);

  // -- controls -----------------------------------------------------------------------------

  /**
   * Buttons, slider, keys, play, and an address for each position: `#step=3`, if `word` is "step".
   * `show(position)` brings the page to a position and returns what to call it: briefly, and for those who listen.
   */
  function controls({ word, count, pause, show }) {
    const slider = byId("slider");
    const button = byId("go-play");
    let current = -1;
    let timer = null;

    function display() {
      const [brief, spoken] = show(current);
      slider.value = current + 1;
      slider.setAttribute("aria-valuetext", spoken);
      byId("counter").textContent = brief;
    }

    function move(position, write = true) {
      const wanted = Math.min(Math.max(position, 0), count - 1);
      if (wanted === current) return;
      current = wanted;
      display();
      const address = `#${word}=${current + 1}`;
      if (!write || window.location.hash === address) return;
      try {
        window.history.replaceState(window.history.state, "", address);
      } catch {
        // a frame in a notebook has no address
      }
    }

    function play(on) {
      window.clearInterval(timer);
      timer = null;
      if (on) {
        if (current === count - 1) move(0);
        timer = window.setInterval(() => {
          move(current + 1);
          if (current === count - 1) play(false);
        }, pause);
      }
      button.setAttribute("aria-pressed", String(on));
      button.textContent = on ? "❚❚ Pause" : "▶ Play";
    }

    function go(position) {
      play(false);
      move(position);
    }

    const moves = new Map([
      ["Home", () => go(0)],
      ["ArrowLeft", () => go(current - 1)],
      [" ", () => play(timer === null)],
      ["ArrowRight", () => go(current + 1)],
      ["End", () => go(count - 1)],
    ]);
    const places = ["go-first", "go-back", "go-play", "go-next", "go-last"];
    [...moves.values()].forEach((action, k) => {
      byId(places[k]).addEventListener("click", action);
    });
    document.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || !moves.has(event.key)) return;
      const isSpace = event.key === " ";
      const isTaken = event.target === slider ? !isSpace : isSpace && event.target.matches("button, input");
      if (isTaken) return; // by the element that has the focus
      event.preventDefault();
      moves.get(event.key)();
    });
    const fromAddress = () => Number((new RegExp(`^#${word}=(\\d+)$`).exec(window.location.hash) || [0, 1])[1]) - 1;
    window.addEventListener("hashchange", () => go(fromAddress()));
    slider.addEventListener("input", () => go(Number(slider.value) - 1));
    dark.addEventListener("change", display);
    slider.max = count;
    move(fromAddress(), false);
    return { go, refresh: display };
  }

  return { byId, minus, digits, largest, palette, mixed, heat, element, drawn, controls };
})();
