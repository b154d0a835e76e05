// Stacked bars over time, by status. A button for each status hides and shows it: without the healthy
// sessions the others are visible.

import { timeChart } from "./chart.js";
import { h, setAttribute, svg } from "../lib/dom.js";
import { count } from "../lib/format.js";
import { marks, statuses, statusMeanings, statusNames, swatch } from "../lib/statuses.js";

/** Data are {times, counts: {status: [number]}}. */
export function statusBars({ label, hidden = [] }) {
  const left = new Set(hidden);
  const shown = () => statuses.filter((status) => !left.has(status));
  const chart = timeChart({
    label, isBanded: true, tick: (value) => (Number.isInteger(value) ? count(value) : ""),
    hasValues: ({ counts }) => statuses.some((status) => counts[status].some((value) => value > 0)),
    domain: ({ times, counts }) => ({
      low: 0, high: Math.max(1, ...times.map((_, at) => shown().reduce((sum, status) => sum + counts[status][at], 0))),
    }),
    valuesAt: ({ counts }, at) => shown().toReversed().map((status) => ({
      name: statusNames[status], text: count(counts[status][at]), mark: () => swatch(status),
    })),
    draw({ plot, x, y, step, data }) {
      const width = Math.max(1, Math.min(step - 2, 36));
      data.times.forEach((_, at) => {
        let base = 0;
        // The worst status is at the bottom, where all bars start at the same line.
        for (const status of shown().toReversed()) {
          const value = data.counts[status][at];
          if (!value) continue;
          const [top, bottom] = [y(base + value), y(base)];
          // A small count is visible too.
          const size = { x: x(at) - width / 2, y: Math.min(top, bottom - 1), width, height: Math.max(1, bottom - top) };
          plot.append(svg("rect", { class: `fill-${status}`, ...size }));
          const pattern = size.height > 4 && marks(status, size.x, size.y, size.width, size.height);
          if (pattern) plot.append(pattern);
          base += value;
        }
      });
    },
  });
  const totals = Object.fromEntries(statuses.map((status) => [status, h("b", {})]));
  const legend = h("div", { class: "legend", role: "group", "aria-label": `${label}: statuses` },
    statuses.map((status) => h("button", {
      type: "button", "aria-pressed": String(!left.has(status)), title: statusMeanings[status],
      onclick(event) {
        left.has(status) ? left.delete(status) : left.add(status);
        setAttribute(event.currentTarget, "aria-pressed", String(!left.has(status)));
        chart.redraw();
      },
    }, swatch(status), statusNames[status], totals[status])));
  return {
    elements: [chart.element, legend],
    update(data, sums) {
      for (const status of statuses) totals[status].textContent = count(sums[status]);
      chart.update(data, statuses.map((status) => `${statusNames[status]} ${count(sums[status])}`).join(", "));
    },
  };
}
