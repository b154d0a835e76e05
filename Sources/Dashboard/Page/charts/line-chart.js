// Lines over time, one for each series; a missing value is a gap in the line.

import { timeChart } from "./chart.js";
import { h, svg } from "../lib/dom.js";

const lineClasses = 8;

/** The class of a line: its colour, and dashes from the ninth line on. */
const lineClass = (at) => `line line-${at % lineClasses}${at >= lineClasses ? " is-dashed" : ""}`;

const lineMark = (at) =>
  svg("svg", { class: "line-mark", viewBox: "0 0 16 8", width: 16, height: 8, "aria-hidden": "true" },
    svg("line", { class: lineClass(at), x1: 0, x2: 16, y1: 4, y2: 4 }));

/**
 * - Parameters:
 *   - options: the options of `timeChart`; `ceiling` is the upper end of the axis.
 *   - isFromZero: whether the axis starts at 0; otherwise it starts a little below the least value.
 *   - choose: called with the id of the clicked series.
 *
 * Data are {times, series: [{id, name, values, text}], band, notes, thresholds, spans}. A value is a number or null; `text(at)`
 * formats it. A band is an interval {low, high} or null at each time. `notes(at)` are further lines of the values of a time.
 * Thresholds are {value, level}: horizontal lines within the axis, which includes all of them with `isWhole`. Spans are
 * {from, to, level}: points of an incident.
 */
export function lineChart({ isFromZero = true, ceiling, hasNames = false, choose, ...options }) {
  const chart = timeChart({
    ...options,
    right: hasNames ? 120 : 16,
    hasValues: ({ series }) => series.some(({ values }) => values.some((value) => value !== null)),
    domain({ series, band, thresholds = [], isWhole }) {
      const values = series.flatMap((one) => one.values).filter((value) => value !== null);
      const marks = thresholds.map(({ value }) => value);
      if (isWhole) values.push(...marks);
      const high = ceiling ?? Math.max(0, ...values);
      // A wide band or a distant threshold is cut off, so that the lines do not become flat.
      const lows = [...(band ?? []).filter(Boolean).map(({ low }) => low), ...marks];
      if (lows.length && values.length) values.push(Math.max(Math.min(...lows), high - 3 * (high - Math.min(...values))));
      return { low: isFromZero || !values.length ? 0 : Math.min(...values), high, ceiling };
    },
    valuesAt: ({ series, notes }, at) =>
      [...series.map((one, place) => ({ name: one.name, value: one.values[at], text: one.text(at), mark: () => lineMark(one.color ?? place) }))
        .filter(({ value }) => series.length < 5 || value)
        .sort((left, right) => (right.value ?? -1) - (left.value ?? -1))
        .slice(0, 12), ...(notes?.(at) ?? [])],
    draw({ plot, x, y, top, height, step, data, hasRoom }) {
      for (const { from, to, level } of data.spans ?? []) {
        const left = x(from) - (from === 0 ? 0 : step / 2);
        const right = x(to) + (to === data.times.length - 1 ? 0 : step / 2);
        plot.append(svg("rect", { class: `span span-${level}`, x: left, y: top, width: Math.max(2, right - left), height }));
      }
      for (const { value, level } of data.thresholds ?? []) {
        const at = y(value);
        if (at < top - 1 || at > top + height + 1) continue;
        plot.append(svg("line", { class: `threshold threshold-${level}`, x1: x(0), x2: x(data.times.length - 1), y1: at, y2: at }));
      }
      if (data.band) plot.append(svg("path", { class: "band", d: bandPath(data.band, x, (value) => Math.max(top, Math.min(top + height, y(value)))) }));
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

/** The series whose line is nearest to the pointer at its time. */
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

/** The outline of the band for each run of times; a single time gets some width. */
function bandPath(band, x, y) {
  const half = band.length > 1 ? Math.min(6, (x(1) - x(0)) / 2) : 6;
  const runs = [];
  band.forEach((one, at) => {
    if (!one) return;
    if (!band[at - 1]) runs.push([]);
    runs.at(-1).push({ ...one, x: x(at) });
  });
  return runs.map((run) => {
    const points = run.length > 1 ? run : [{ ...run[0], x: run[0].x - half }, { ...run[0], x: run[0].x + half }];
    const edge = (name, list) => list.map((point) => `${point.x.toFixed(1)} ${y(point[name]).toFixed(1)}`);
    return `M${[...edge("high", points), ...edge("low", points.toReversed())].join("L")}Z`;
  }).join("");
}

export const bandMark = () =>
  svg("svg", { class: "line-mark", viewBox: "0 0 16 8", width: 16, height: 8, "aria-hidden": "true" }, svg("rect", { class: "band", width: 16, height: 8 }));

/** The mark of a threshold for legends. */
export const thresholdMark = (level) =>
  svg("svg", { class: "line-mark", viewBox: "0 0 16 8", width: 16, height: 8, "aria-hidden": "true" },
    svg("line", { class: `threshold threshold-${level}`, x1: 0, x2: 16, y1: 4, y2: 4 }));

/** The points without neighbours, which no line connects. */
const lonePoints = (values) => values.flatMap((value, at) =>
  value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null ? [at] : []);

/** Draws names after the ends of their lines, and moves them apart if they would overlap. */
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
