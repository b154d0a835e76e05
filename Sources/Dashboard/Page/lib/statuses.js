// The five ends of a session: their order, names and what they mean. Colours and patterns of each are
// in the style sheet under its class, the same in every chart and in light and dark.

import { h, svg } from "./dom.js";

export const statuses = ["healthy", "errored", "unhandled", "abnormal", "crashed"];

export const statusNames = {
  healthy: "Healthy",
  errored: "Errored",
  unhandled: "Unhandled",
  abnormal: "Abnormal",
  crashed: "Crashed",
};

export const statusMeanings = {
  healthy: "Ended normally, without an error",
  errored: "Ended normally, with handled errors",
  unhandled: "Went on after an error that nothing handled",
  abnormal: "Froze, or was ended by the system",
  crashed: "Ended by a crash",
};

/** A sample of a status's fill, for legends. */
export const swatch = (status) =>
  h("span", { class: "swatch" },
    svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
      svg("rect", { class: `fill-${status}`, width: 12, height: 12, rx: 2 }),
      marks(status, 0, 0, 12, 12)));

/**
 * The pattern of a status over a box, so that no two are told apart by colour alone: lines for crashed,
 * dots for unhandled, bars for abnormal.
 */
export function marks(status, x, y, width, height) {
  if (!["crashed", "unhandled", "abnormal"].includes(status)) return null;
  return svg("rect", { class: "marks", x, y, width, height, fill: `url(#marks-${status})` });
}

/** The patterns' definitions, once for the whole page. */
export const patterns = () =>
  svg("svg", { width: 0, height: 0, class: "definitions", "aria-hidden": "true" },
    svg("defs", {},
      svg("pattern", { id: "marks-crashed", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("rect", { class: "mark", width: 1.4, height: 5 })),
      svg("pattern", { id: "marks-unhandled", width: 4, height: 4, patternUnits: "userSpaceOnUse" },
        svg("circle", { class: "mark", cx: 2, cy: 2, r: 0.9 })),
      svg("pattern", { id: "marks-abnormal", width: 4, height: 4, patternUnits: "userSpaceOnUse" },
        svg("rect", { class: "mark", width: 4, height: 1.2 }))));
