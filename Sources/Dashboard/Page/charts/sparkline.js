// A line of the height of a word, without axes, next to its number.

import { setAttribute, svg } from "../lib/dom.js";

const [width, height] = [88, 22];

export function sparkline() {
  const area = svg("path", { class: "spark-area" });
  const line = svg("path", { class: "spark-line" });
  const element = svg("svg", {
    class: "spark", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true",
  }, area, line);
  const update = (values) => {
    const most = Math.max(...values, 0);
    const y = (value) => (most ? height - 2 - (value / most) * (height - 4) : height - 2);
    const x = (index) => (values.length > 1 ? (index * width) / (values.length - 1) : 0);
    const path = values.map((value, index) => `${index ? "L" : "M"}${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("");
    setAttribute(line, "d", path || null);
    setAttribute(area, "d", path ? `${path}V${height}H0Z` : null);
    element.classList.toggle("is-flat", most === 0);
  };
  return { element, update };
}
