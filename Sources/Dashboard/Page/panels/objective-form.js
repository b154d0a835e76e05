// The objective of a project in the settings, with a form for admins.

import { change } from "../lib/api.js";
import { measures, objectiveText } from "./budget-panel.js";
import { h } from "../lib/dom.js";
import { freeWord } from "../lib/statuses.js";

/** - Parameter perform: makes a change and updates the view, or shows the error. */
export function objectiveForm(world, project, objective, isAdmin, perform) {
  const path = `projects/${world.organization}/${project.slug}/objectives/`;
  const text = objective ? `Objective: ${objectiveText(objective)}${objective.isUnmatched ? ", matches nothing yet" : ""}` : "No objective";
  if (!isAdmin) return h("p", { class: "under" }, text);
  const field = (label, ...content) => h("label", {}, h("span", {}, label), ...content);
  const shown = objective ?? { measure: "crash_free_sessions", target: 99.9, days: 28 };
  const form = h("form", {
    class: "inline is-bare", "aria-label": `Objective of ${project.slug}`,
    async onsubmit(event) {
      event.preventDefault();
      const { measure, target, days } = Object.fromEntries(new FormData(form));
      await perform(() => change("PUT", path, { measure, target: Number(target), days: Number(days) }));
    },
  },
  field(freeWord(project.bad) === "crash-free" ? "Crash-free" : "Failure-free", h("select", { name: "measure" }, Object.entries(measures).map(([name, what]) =>
    h("option", { value: name, selected: name === shown.measure }, what)))),
  field("Percent", h("input", { name: "target", type: "number", required: true, min: 0.0001, max: 99.9999, step: 0.0001, value: shown.target })),
  field("Days", h("input", { name: "days", type: "number", required: true, min: 1, max: 90, value: shown.days })),
  h("button", { type: "submit" }, objective ? "Change objective" : "Set objective"),
  objective && h("button", { type: "button", class: "quiet danger", onclick: () => perform(() => change("DELETE", path)) }, "Remove objective"));
  return h("details", {}, h("summary", {}, text), form);
}
