// The controls above a view. Each changes the address, and the address changes the view.

import { h, setAttribute } from "./dom.js";
import { go, periodNames, periods } from "./state.js";

/** A native drop-down list, which works with every keyboard, phone and screen reader. */
export function picker(label, choose) {
  const select = h("select", { "aria-label": label, onchange: () => choose(select.value) });
  let written = "";
  return {
    element: h("label", { class: "picker" }, h("span", {}, label), select),
    /** - Parameter options: [value, text]. */
    update(options, value) {
      // A value of the address that does not exist is shown too: it explains the empty page.
      const all = options.some(([name]) => name === value) ? options : [...options, [value, value]];
      const text = JSON.stringify(all);
      if (text !== written) select.replaceChildren(...all.map(([name, shown]) => h("option", { value: name }, shown)));
      written = text;
      select.value = value;
    },
  };
}

/** A visible choice of two or three values. */
export function segments(label, options, choose) {
  const buttons = options.map(([value, text]) =>
    h("button", { type: "button", onclick: () => choose(value), "data-value": value }, text));
  return {
    element: h("div", { class: "segments", role: "group", "aria-label": label }, buttons),
    update(value) {
      for (const button of buttons) setAttribute(button, "aria-pressed", String(button.dataset.value === value));
    },
  };
}

/** Project, environment and period, and for lists whether sessions or users are shown. */
export function commonPickers({ hasDisplay = false } = {}) {
  let place;
  const change = (name) => (value) => go({ ...place, [name]: value });
  const project = picker("Project", (value) => go({ ...place, project: value, environment: "" }));
  const environment = picker("Environment", change("environment"));
  const period = picker("Period", change("statsPeriod"));
  const display = segments("Display", [["sessions", "Sessions"], ["users", "Users"]], change("display"));
  return {
    elements: [project.element, environment.element, period.element, hasDisplay && display.element].filter(Boolean),
    update(fresh, world) {
      place = fresh;
      project.update([["", "All projects"], ...world.projects.map(({ slug }) => [slug, slug])], place.project);
      const names = new Set(world.selected(place).flatMap(({ environments }) => environments));
      environment.update([["", "All environments"], ...[...names].sort().map((name) => [name, name])], place.environment);
      period.update(periods.map((name) => [name, periodNames[name]]), place.statsPeriod);
      display.update(place.display);
    },
  };
}
