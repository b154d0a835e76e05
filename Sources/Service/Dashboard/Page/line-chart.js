// Lines over time, one for each series; where there is no value the line has a gap.

import { timeChart } from "./chart.js";
import { h, svg } from "./dom.js";

const lineClasses = 8;

/** How a line is drawn: its colour, and from the ninth on dashed. */
const lineClass = (at) => `line line-${at % lineClasses}${at >= lineClasses ? " is-dashed" : ""}`;

const lineMark = (at) =>
  svg("svg", { class: "line-mark", viewBox: "0 0 16 8", width: 16, height: 8, "aria-hidden": "true" },
    svg("line", { class: lineClass(at), x1: 0, x2: 16, y1: 4, y2: 4 }));

/**
 * - Parameters:
 *   - options: of `timeChart`; `format` writes a value in full, `ceiling` ends the axis.
 *   - isFromZero: the axis begins at 0, and else a little below the least value.
 *   - choose: is called with the id of the series that is clicked.
 *
 * Data are {times, series: [{id, name, values, text}]}, a value a number or null; `text(at)` writes one.
 */
export function lineChart({ isFromZero = true, ceiling, hasNames = false, choose, ...options }) {
  const chart = timeChart({
    ...options,
    right: hasNames ? 120 : 16,
    hasValues: ({ series }) => series.some(({ values }) => values.some((value) => value !== null)),
    domain({ series }) {
      const values = series.flatMap((one) => one.values).filter((value) => value !== null);
      const high = ceiling ?? Math.max(0, ...values);
      return { low: isFromZero || !values.length ? 0 : Math.min(...values), high, ceiling };
    },
    valuesAt: ({ series }, at) =>
      series.map((one, place) => ({ name: one.name, value: one.values[at], text: one.text(at), mark: () => lineMark(one.color ?? place) }))
        .filter(({ value }) => series.length < 3 || value)
        .sort((left, right) => (right.value ?? -1) - (left.value ?? -1))
        .slice(0, 12),
    draw({ plot, x, y, data, hasRoom }) {
      const ends = [];
      data.series.forEach((one, place) => {
        const color = one.color ?? place;
        plot.append(svg("path", { class: lineClass(color), d: path(one.values, x, y) }));
        for (const at of lonePoints(one.values)) {
          plot.append(svg("circle", { class: `dot line-${color % lineClasses}`, cx: x(at), cy: y(one.values[at]), r: 2.5 }));
        }
        const last = one.values.findLastIndex((value) => value !== null);
        if (last >= 0) ends.push({ name: one.name, color, x: x(last), y: y(one.values[last]), value: one.values[last] });
      });
      if (hasNames && hasRoom) names(plot, ends.filter(({ value }) => value > 0));
    },
  });
  if (choose) {
    chart.pointer.classList.add("is-link");
    chart.pointer.addEventListener("click", (event) => {
      const id = nearestSeries(chart, event);
      if (id) choose(id);
    });
  }
  let current;
  const { update } = chart;
  chart.update = (data, summary) => update((current = data), summary);
  chart.current = () => current;
  return chart;
}

/** The series whose line is next to where the pointer is, at its time. */
function nearestSeries(chart, event) {
  const lines = [...chart.element.querySelectorAll("path.line")];
  const box = chart.element.getBoundingClientRect();
  const at = { x: event.clientX - box.left, y: event.clientY - box.top };
  let best = { distance: Infinity };
  chart.current()?.series.forEach((one, place) => {
    const points = lines[place]?.getAttribute("d")?.match(/-?[\d.]+ -?[\d.]+/g) ?? [];
    for (const point of points) {
      const [x, y] = point.split(" ").map(Number);
      const distance = Math.hypot((x - at.x) * 2, y - at.y);
      if (distance < best.distance) best = { distance, id: one.id };
    }
  });
  return best.id;
}

function path(values, x, y) {
  let isOpen = false;
  return values.map((value, at) => {
    if (value === null) {
      isOpen = false;
      return "";
    }
    const command = isOpen ? "L" : "M";
    isOpen = true;
    return `${command}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  }).join("");
}

/** Those that no line leads to or from. */
const lonePoints = (values) => values.flatMap((value, at) =>
  value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []);

/** Names behind the ends of their lines, moved apart where they would meet. */
function names(plot, ends) {
  let free = Infinity;
  for (const end of ends.sort((left, right) => right.y - left.y)) {
    const y = Math.min(end.y, free);
    if (y < 6) break;
    free = y - 14;
    const text = end.name.length > 17 ? end.name.slice(0, 16) + "…" : end.name;
    plot.append(svg("text", { class: `line-name name-${end.color % lineClasses}`, x: end.x + 8, y: y + 4 }, text));
  }
}

export const lineLegend = (series) =>
  h("ul", { class: "legend" }, series.map((one, place) =>
    h("li", {}, lineMark(one.color ?? place), one.href ? h("a", { href: one.href, "data-nav": true }, one.name) : one.name)));
