// The common parts of charts: frame, axes, and the selected point. The pointer and the arrow keys
// select points, and screen readers announce their values.

import { freshID, h, setAttribute, svg } from "../lib/dom.js";
import { clockText, dayAndClock, dayText, utcDayText, utcText } from "../lib/format.js";

const margin = { top: 10, bottom: 24, left: 58 };

/**
 * A chart over time.
 *
 * - Parameters:
 *   - label: a short title.
 *   - draw: draws into the plot; gets {plot, x, y, width, height, data, step}.
 *   - domain: the range of the values of the data: {low, high}.
 *   - valuesAt: the values of a point: [{name, text, swatch}].
 *   - tick: formats a value of the axis; also gets the step between ticks.
 *   - right: the space for names after the last point.
 *   - steps: the possible steps between ticks; round decimal ones by default.
 *   - hasValues: whether the data has any values.
 */
export function timeChart({ label, draw, domain, valuesAt, tick, height = 200, right = 16, isBanded = false, hasValues = () => true, steps }) {
  const picture = svg("svg", { role: "img", "aria-label": label });
  const cross = h("div", { class: "cross", hidden: true });
  const tip = h("div", { class: "tip", hidden: true, id: freshID("tip") });
  const pointer = h("div", {
    class: "pointer", tabindex: 0, role: "slider", "aria-label": `${label}: points`, "aria-valuemin": 0,
    "aria-orientation": "horizontal",
  });
  const nothing = h("div", { class: "nothing", hidden: true }, "No data in this period");
  const element = h("div", { class: "chart" }, picture, cross, tip, pointer, nothing);
  element.style.height = `${height}px`;
  let data, scale, index = null;

  function redraw() {
    const total = element.clientWidth;
    if (!data || !total) return;
    nothing.hidden = hasValues(data);
    element.classList.toggle("is-empty", !nothing.hidden);
    const room = total < 480 ? Math.min(right, 16) : right;
    const width = total - margin.left - room;
    const inner = height - margin.top - margin.bottom;
    const { low, high, ticks, step: tickStep } = axis(domain(data), steps);
    const count = data.times.length;
    // Bars fill their intervals, while lines reach from end to end of the plot.
    const step = isBanded ? width / count : width / Math.max(1, count - 1);
    const x = (at) => margin.left + (isBanded ? at * step + step / 2 : at * step);
    const y = (value) => margin.top + inner - ((value - low) / (high - low || 1)) * inner;
    scale = { x, step, width };
    setAttribute(picture, "viewBox", `0 0 ${total} ${height}`);
    setAttribute(picture, "width", total);
    setAttribute(picture, "height", height);
    const plot = svg("g", {});
    picture.replaceChildren(
      ...ticks.map((value) => svg("g", {},
        svg("line", { class: "grid", x1: margin.left, x2: margin.left + width, y1: y(value), y2: y(value) }),
        svg("text", { class: "tick", x: margin.left - 8, y: y(value) + 4, "text-anchor": "end" }, tick(value, tickStep)))),
      ...timeTicks(data.times, width).map(({ at, text }) =>
        svg("text", { class: "tick", x: x(at), y: height - 6, "text-anchor": at === 0 && !isBanded ? "start" : "middle" }, text)),
      plot);
    draw({ plot, x, y, width, height: inner, top: margin.top, step, data, hasRoom: room === right });
    Object.assign(pointer.style, { left: `${margin.left}px`, width: `${Math.max(0, width)}px`, top: `${margin.top}px`, height: `${inner}px` });
    setAttribute(pointer, "aria-valuemax", Math.max(0, count - 1));
    point(index === null ? null : Math.min(index, count - 1));
  }

  function point(at) {
    index = at;
    const isShown = at !== null && scale;
    cross.hidden = tip.hidden = !isShown;
    const shown = at ?? Math.max(0, (data?.times.length ?? 1) - 1);
    setAttribute(pointer, "aria-valuenow", shown);
    if (!data) return;
    const values = valuesAt(data, shown);
    const time = data.times[shown];
    setAttribute(pointer, "aria-valuetext",
      time ? `${pointText(data.times, shown)}: ${values.map(({ name, text }) => `${name} ${text}`).join(", ")}` : "no data");
    if (!isShown) return;
    const left = scale.x(at);
    Object.assign(cross.style, { left: `${left}px`, top: `${margin.top}px`, height: `${height - margin.top - margin.bottom}px` });
    tip.replaceChildren(
      h("div", { class: "tip-time" }, pointText(data.times, at), !isDaily(data.times) && h("span", {}, utcText(time))),
      ...values.map(({ name, text, mark }) =>
        h("div", { class: "tip-row" }, mark?.() ?? "", h("span", { class: "tip-name" }, name), h("b", {}, text))));
    const isRight = left > element.clientWidth / 2;
    tip.style.left = isRight ? "" : `${left + 14}px`;
    tip.style.right = isRight ? `${element.clientWidth - left + 14}px` : "";
  }

  const nearest = (event) => {
    const box = pointer.getBoundingClientRect();
    const at = (event.clientX - box.left) / scale.step - (isBanded ? 0.5 : 0);
    return Math.max(0, Math.min(data.times.length - 1, Math.round(at)));
  };
  pointer.addEventListener("pointermove", (event) => data && scale && point(nearest(event)));
  pointer.addEventListener("pointerleave", () => pointer.matches(":focus-visible") || point(null));
  pointer.addEventListener("focus", () => pointer.matches(":focus-visible") && data && point(index ?? data.times.length - 1));
  pointer.addEventListener("blur", () => point(null));
  pointer.addEventListener("keydown", (event) => {
    if (!data) return;
    const last = data.times.length - 1;
    const now = index ?? last;
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, ArrowDown: now - 1, ArrowUp: now + 1, Home: 0, End: last, PageUp: now - 7, PageDown: now + 7 }[event.key];
    if (event.key === "Escape") return point(null);
    if (next === undefined) return;
    event.preventDefault();
    point(Math.max(0, Math.min(last, next)));
  });
  new ResizeObserver(redraw).observe(element);

  return {
    element,
    pointer,
    /** The selected point, if any. */
    get index() { return index; },
    /** - Parameter summary: a description of the chart for screen readers. */
    update(fresh, summary) {
      data = fresh;
      setAttribute(picture, "aria-label", summary ? `${label}. ${summary}` : label);
      redraw();
    },
    redraw,
  };
}

/** Round values along an axis: {low, high, ticks, step}. */
function axis({ low, high, ceiling }, steps) {
  if (low === high) {
    high = low === 0 ? 1 : high + Math.abs(high) * 0.05;
    if (ceiling !== undefined) high = Math.min(high, ceiling);
    if (low === high) low = ceiling * 0.95;
  }
  const raw = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = (steps ?? [1, 2, 2.5, 5, 10].map((size) => size * power)).find((size) => size >= raw * 0.999) ?? raw;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * step);
  return { low: ticks[0], high: ticks.at(-1), ticks, step };
}

/** Whether each point is a day. Days are cut in UTC, so that local labels would be those of other days. */
const isDaily = (times) => times.length > 1 && times[1] - times[0] >= 86_400_000;

const pointText = (times, at) => (isDaily(times) ? `${utcDayText(times[at])} (UTC day)` : dayAndClock(times[at]));

/** The labels of the time axis, spaced so that they do not touch. */
function timeTicks(times, width) {
  const wanted = Math.max(2, Math.min(7, Math.floor(width / 100)));
  const every = Math.max(1, Math.ceil(times.length / wanted));
  const span = times.length > 1 ? times.at(-1) - times[0] : 0;
  const isShort = span <= 50 * 3_600_000;
  const ticks = [];
  let previous = "";
  for (let at = 0; at < times.length; at += every) {
    if (isDaily(times)) {
      ticks.push({ at, text: utcDayText(times[at]) + (at ? "" : " UTC") });
      continue;
    }
    const day = dayText(times[at]);
    const text = isShort ? (day === previous || !previous ? clockText(times[at]) : `${day} ${clockText(times[at])}`) : day;
    ticks.push({ at, text });
    previous = day;
  }
  return ticks;
}

/** A panel with a heading, a chart and its legend. */
export function panel(title, note, ...content) {
  const id = freshID("panel");
  return h("section", { class: "panel", "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), note && h("p", { class: "note" }, note)), ...content);
}
