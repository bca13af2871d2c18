"use strict";
// Next tokens, where two models part, and attention maps, drawn from the data in the page.
{
  const run = JSON.parse(document.getElementById("run").textContent);
  const percent = share => share === null ? "not a number" : (100 * share).toFixed(share < 0.0995 ? 2 : 1) + " %";
  const element = (name, properties, ...inside) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...inside);
    return made;
  };
  // The namespace as an SVG of the page has it.
  const root = document.querySelector("svg");
  const drawing = (name, attributes, ...inside) => {
    const made = document.createElementNS(root.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  };

  // The next tokens behind the chosen one.
  const table = (index, position) => {
    const others = run.runs.filter((_, other) => other !== index).map(other => new Set(other.next[position].map(each => each[0])));
    const rows = run.runs[index].next[position].map(([id, logit, probability], rank) => element("tr", {},
      element("td", { className: "numeric" }, String(rank + 1)),
      element("td", { className: others.every(other => other.has(id)) ? "word" : "word differs" }, run.words[id]),
      element("td", { className: "numeric bar", style: `--share:${100 * (probability ?? 0)}%` }, percent(probability)),
      element("td", { className: "numeric" }, logit === null ? "not a number" : logit.toFixed(3))));
    return element("table", { className: "next" },
      element("caption", {}, run.runs[index].name),
      element("thead", {}, element("tr", {}, ...["", "token", "probability", "logit"].map(word => element("th", {}, word)))),
      element("tbody", {}, ...rows));
  };
  const read = position => {
    for (const button of document.querySelectorAll(".token")) button.setAttribute("aria-pressed", button.dataset.position === String(position));
    for (const place of document.querySelectorAll("[data-next]")) place.replaceChildren(table(Number(place.dataset.next), position));
  };
  for (const button of document.querySelectorAll(".token")) button.addEventListener("click", () => read(Number(button.dataset.position)));
  read(run.tokens.length - 1);

  // Cells with words at both axes; `shade` gives 0 to 1, `tip` what a cell says.
  const cut = word => word.length > 10 ? word.slice(0, 9) + "…" : word;
  const grid = (rows, columns, shade, tip, label) => {
    const cell = 16, left = 14 + 6.4 * Math.max(...rows.map(word => cut(word).length)), top = 14 + 6.4 * Math.max(...columns.map(word => cut(word).length));
    const [width, height] = [left + cell * columns.length + 2, top + cell * rows.length + 2];
    const svg = drawing("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label, class: "cells" });
    columns.forEach((word, x) => {
      const [at, up] = [left + cell * (x + 0.5) + 4, top - 6];
      svg.append(drawing("text", { x: at, y: up, transform: `rotate(-90 ${at} ${up})`, class: "tick" }, cut(word)));
    });
    rows.forEach((word, y) => {
      svg.append(drawing("text", { x: left - 6, y: top + cell * (y + 0.5) + 4, "text-anchor": "end", class: "tick" }, cut(word)));
      columns.forEach((_, x) => {
        const value = shade(y, x);
        if (value === undefined) return;
        svg.append(drawing("rect", {
          x: left + cell * x, y: top + cell * y, width: cell - 1, height: cell - 1, class: "cell", "fill-opacity": value.toFixed(3), "data-tip": tip(y, x),
        }));
      });
    });
    return svg;
  };

  const parted = document.getElementById("parted");
  if (parted) {
    const nodes = Object.keys(run.pair.stream);
    const distance = (y, x) => run.pair.stream[nodes[y]][x];
    const shade = (y, x) => distance(y, x) === null ? 1 : distance(y, x) <= 1e-6 ? 0 : Math.min(1, 1 + Math.log10(distance(y, x)) / 6);
    const tip = (y, x) => `${nodes[y]}, position ${x}\n${run.tokens[x]}\n`
      + (distance(y, x) === null ? "not a number" : `differs by ${Number(distance(y, x)).toPrecision(3)} of its size`);
    parted.append(grid(nodes, run.tokens, shade, tip, "Where the residual streams part"));
  }

  // Attention: small pictures of all heads, one of them large.
  const layers = [...new Set(run.runs.flatMap(each => each.maps.map(map => map.node)))];
  const layer = document.getElementById("layer");
  if (layer) {
    for (const node of layers) layer.append(element("option", { value: node }, node.replace(/^blocks\.(\d+)\.attention$/, "$1")));
    const bytes = new Map();
    const shades = map => {
      if (!bytes.has(map)) bytes.set(map, Uint8Array.from(atob(map.shades), each => each.charCodeAt(0)));
      return bytes.get(map);
    };
    const maps = () => run.runs.map(each => each.maps.find(map => map.node === layer.value));
    const at = (map, head, row, key) => shades(map)[(head * map.rows + row) * map.keys + key];
    const paint = (canvas, map, head) => {
      const [r, g, b] = getComputedStyle(canvas).color.match(/[\d.]+/g).map(Number);
      const picture = new ImageData(map.keys, map.rows);
      for (let i = 0; i < map.rows * map.keys; i++) {
        // The root shows what is faint.
        picture.data.set([r, g, b, Math.round(255 * Math.sqrt(shades(map)[head * map.rows * map.keys + i] / 255))], 4 * i);
      }
      canvas.getContext("2d").putImageData(picture, 0, 0);
    };
    let chosen = 0;
    // Of two heads: how much of a row's attention lies elsewhere, in the mean.
    const apart = head => {
      const [a, b] = maps();
      if (!a || !b || a.rows !== b.rows || a.keys !== b.keys || head >= Math.min(a.heads, b.heads)) return null;
      let sum = 0;
      for (let i = head * a.rows * a.keys; i < (head + 1) * a.rows * a.keys; i++) sum += Math.abs(shades(a)[i] - shades(b)[i]);
      return sum / 510 / a.rows;
    };
    const words = map => [...Array.from({ length: map.prefix }, (_, i) => `prefix ${i}`), ...run.tokens.slice(0, map.rows)];
    const enlarge = head => {
      chosen = head;
      for (const button of document.querySelectorAll(".heads button")) button.setAttribute("aria-pressed", button.dataset.head === String(head));
      const far = apart(head);
      document.getElementById("apart").textContent = far === null ? "" : `Head ${head}: ${percent(far)} of the attention lies elsewhere`;
      maps().forEach((map, index) => {
        const place = document.querySelector(`[data-look="${index}"] .head`);
        if (!map || head >= map.heads) return place.replaceChildren(element("p", { className: "small" }, map ? `It has no head ${head}.` : "It has no such layer."));
        const [rows, columns] = [run.tokens.slice(0, map.rows), words(map)];
        const visible = (y, x) => at(map, head, y, x) === 0 && x - map.prefix > y ? undefined : Math.sqrt(at(map, head, y, x) / 255);
        place.replaceChildren(grid(rows, columns, visible,
          (y, x) => `${rows[y]} looks at ${columns[x]}\n${percent(at(map, head, y, x) / 255)}\nposition ${y} at ${x - map.prefix}`, `Head ${head}`));
      });
    };
    const draw = () => {
      maps().forEach((map, index) => {
        const heads = document.querySelector(`[data-look="${index}"] .heads`);
        heads.replaceChildren();
        for (let head = 0; map && head < map.heads; head++) {
          const canvas = element("canvas", { width: map.keys, height: map.rows });
          const far = apart(head);
          const button = element("button", { className: "small-head" }, canvas, element("span", {}, String(head)));
          button.dataset.head = head;
          button.dataset.tip = `${map.node}, head ${head}` + (far === null ? "" : `\n${percent(far)} of the attention lies elsewhere in the other model`);
          button.setAttribute("aria-label", `Head ${head}`);
          button.addEventListener("click", () => enlarge(head));
          heads.append(button);
          paint(canvas, map, head);
        }
      });
      enlarge(Math.min(chosen, Math.max(...maps().map(map => map ? map.heads - 1 : 0))));
    };
    layer.addEventListener("change", draw);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    draw();
  }
}
