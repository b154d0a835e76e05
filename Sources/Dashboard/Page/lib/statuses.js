// The five statuses of a session: their order, names and meanings. The style sheet has their colours,
// which are the same in every chart and in light and dark mode.

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
  unhandled: "Continued after an unhandled error",
  abnormal: "Froze, or was killed by the system",
  crashed: "Ended by a crash",
};

/** What makes a session bad in some projects together: the wider one where they differ. */
export const badOf = (projects) =>
  projects.some(({ bad }) => bad === "crashed+unhandled") ? "crashed+unhandled" : "crashed";

/** The settings of a project, with their names. */
export const badNames = { crashed: "crashed", "crashed+unhandled": "crashed or unhandled" };

/** What sessions and users without a bad one are called. */
export const freeWord = (bad) => (bad === "crashed" ? "crash-free" : "failure-free");

/** A sample of a status's fill, for legends. */
export const swatch = (status) =>
  h("span", { class: "swatch" },
    svg("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" },
      svg("rect", { class: `fill-${status}`, width: 12, height: 12, rx: 2 }),
      marks(status, 0, 0, 12, 12)));

/**
 * The pattern of a status over a box, so that statuses differ not only by colour: lines for crashed,
 * dots for unhandled, bars for abnormal.
 */
export function marks(status, x, y, width, height) {
  if (!["crashed", "unhandled", "abnormal"].includes(status)) return null;
  return svg("rect", { class: "marks", x, y, width, height, fill: `url(#marks-${status})` });
}

/** The definitions of the patterns, once per page. */
export const patterns = () =>
  svg("svg", { width: 0, height: 0, class: "definitions", "aria-hidden": "true" },
    svg("defs", {},
      svg("pattern", { id: "marks-crashed", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("rect", { class: "mark", width: 1.4, height: 5 })),
      svg("pattern", { id: "marks-unhandled", width: 4, height: 4, patternUnits: "userSpaceOnUse" },
        svg("circle", { class: "mark", cx: 2, cy: 2, r: 0.9 })),
      svg("pattern", { id: "marks-abnormal", width: 4, height: 4, patternUnits: "userSpaceOnUse" },
        svg("rect", { class: "mark", width: 4, height: 1.2 }))));
