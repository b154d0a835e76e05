// A form for a new or existing alert rule, with a back-test before it is saved.

import { change } from "../lib/api.js";
import { measureOf, measures, valueText } from "../lib/alert-words.js";
import { backTestTable } from "./back-test.js";
import { freshID, h, setAttribute, setText } from "../lib/dom.js";
import { badOf } from "../lib/statuses.js";

const windows = [[10, "10 minutes"], [15, "15 minutes"], [30, "30 minutes"], [60, "1 hour"], [120, "2 hours"], [360, "6 hours"],
  [720, "12 hours"], [1440, "1 day"], [2880, "2 days"], [10_080, "7 days"]];
const comparisons = [["", "the value itself"], ["previousRelease", "its change from the previous release"], ["previousWeek", "its change from the previous week"]];

/** The measure of a new rule: the failure-free rate where unhandled sessions are bad. */
const usualMeasure = (projects) => (badOf(projects) === "crashed" ? undefined
  : measures.find(([name]) => name === "failure_free_rate(session)")?.[0]) ?? measures[0][0];

/** What stands for the sessions without an environment, as in a search. */
const NO_ENVIRONMENT = '""';

const environmentOf = (text) => (text === NO_ENVIRONMENT ? "" : text || null);

const number = (text) => (text === "" ? null : Number(text));

/**
 * - Parameters:
 *   - rule: the rule to change; null for a new one.
 *   - channels: the names of all channels.
 *   - done: called with the saved rule.
 */
export function alertForm(world, { rule, channels, done, cancel }) {
  const error = h("div", { class: "error", role: "alert" });
  const trial = h("div", { class: "trial", role: "status" });
  const names = { environments: freshID("environments"), releases: freshID("releases") };
  const measure = rule ? measureOf(rule) : usualMeasure(world.projects);
  // Until somebody chooses another one, it follows the chosen projects.
  let isMeasureChosen = Boolean(rule);
  const of = (label) => rule?.triggers.find((one) => one.label === label);
  const environments = [...new Set(world.projects.flatMap((project) => project.environments))].sort();

  const field = (name, label, control, hint) => {
    control.setAttribute("name", name);
    const id = hint && freshID("hint");
    setAttribute(control, "aria-describedby", id);
    return h("div", {}, h("label", {}, h("span", {}, label), control), hint && h("small", { class: "under", id }, hint));
  };
  const select = (options, value, attributes) => h("select", attributes, options.map(([name, text]) =>
    h("option", { value: name, selected: String(name) === String(value) }, text)));
  const input = (value, attributes) => h("input", { value: value ?? "", autocomplete: "off", ...attributes });
  const decimal = (value, attributes) => input(value, { type: "number", step: "any", ...attributes });
  const checks = (legend, name, all, chosen) => h("fieldset", {}, h("legend", {}, legend), all.map((value) =>
    h("label", {}, h("input", { type: "checkbox", name, value, checked: chosen.includes(value) }), value)));

  const side = select([["1", "below"], ["0", "above"]], rule ? rule.thresholdType : 1);
  const projects = world.projects.map(({ slug }) => slug);
  const known = [...new Set([...windows.map(([minutes]) => minutes), rule?.timeWindow ?? 60])].sort((a, b) => a - b);
  const form = h("form", { class: "rule-form", "aria-label": rule ? `Change ${rule.name}` : "New rule", onsubmit: save, onchange: followProjects, novalidate: true },
    error,
    h("div", { class: "fields" },
      field("name", "Name", input(rule?.name, { required: true, maxlength: 200 })),
      field("aggregate", "Watch", select(measures, measure, {
        onchange({ target }) {
          isMeasureChosen = true;
          side.value = measures.find(([name]) => name === target.value)[2] ? "0" : "1";
        },
      })),
      field("comparison", "As", select(comparisons, rule?.comparison ?? "")),
      field("timeWindow", "In the last", select(known.map((minutes) =>
        windows.find(([one]) => one === minutes) ?? [minutes, `${minutes} minutes`]), rule?.timeWindow ?? 60))),
    h("div", { class: "fields" },
      projects.length > 1 || (rule && rule.projects.join() !== projects.join())
        ? checks("Projects", "projects", projects, rule?.projects ?? []) : h("input", { type: "hidden", name: "projects", value: projects[0] ?? "" }),
      field("environment", "Environment", input(rule?.environment === "" ? NO_ENVIRONMENT : rule?.environment, { placeholder: "all", list: names.environments }), `A name, or ${NO_ENVIRONMENT} for sessions without one`),
      field("release", "Release", input(rule?.release, { placeholder: "all", list: names.releases }), "A name, shop@2.* or latest"),
      h("datalist", { id: names.environments }, environments.filter(Boolean).map((name) => h("option", { value: name }))),
      h("datalist", { id: names.releases }, h("option", { value: "latest" }))),
    h("div", { class: "fields" },
      field("thresholdType", "Fires", side),
      field("critical", "Critical", decimal(of("critical")?.alertThreshold ?? (rule ? "" : 99), { required: true }), "Percent, or a number"),
      field("warning", "Warning", decimal(of("warning")?.alertThreshold), "Optional"),
      field("resolveThreshold", "Resolves at", decimal(rule?.resolveThreshold), "Optional"),
      field("minSessions", "Minimum sessions", input(rule?.minSessions ?? 0, { type: "number", min: 0 })),
      field("thresholdPeriod", "Consecutive minutes", input(rule?.thresholdPeriod ?? 1, { type: "number", min: 1, max: 100 }))),
    channels.length ? checks("Notify", "channels", channels, rule?.channels ?? [])
      : h("p", { class: "under" }, "There are no channels yet: create one in the ", h("a", { href: "settings/", "data-nav": true }, "settings"), "."),
    h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, rule ? "Save rule" : "Create rule"),
      h("button", { type: "button", onclick: tryIt }, "Back-test on the last 14 days"),
      h("button", { type: "button", class: "quiet", onclick: cancel }, "Cancel")),
    trial);

  function followProjects({ target }) {
    if (isMeasureChosen || target.name !== "projects") return;
    const chosen = new FormData(form).getAll("projects");
    form.elements.aggregate.value = usualMeasure(chosen.length ? world.projects.filter(({ slug }) => chosen.includes(slug)) : world.projects);
  }

  function read() {
    const values = new FormData(form);
    const triggers = ["critical", "warning"].filter((label) => values.get(label) !== "").map((label) => ({
      label, alertThreshold: Number(values.get(label)),
      // Channels of a single level are set over the API and stay as they are.
      actions: (of(label)?.actions ?? []).map(({ channel }) => channel),
    }));
    return {
      name: values.get("name").trim(), aggregate: values.get("aggregate"), comparison: values.get("comparison") || null,
      timeWindow: Number(values.get("timeWindow")), projects: values.getAll("projects"), environment: environmentOf(values.get("environment").trim()),
      release: values.get("release").trim() || null, thresholdType: Number(values.get("thresholdType")), triggers,
      resolveThreshold: number(values.get("resolveThreshold")), minSessions: number(values.get("minSessions")) ?? 0,
      thresholdPeriod: number(values.get("thresholdPeriod")) ?? 1,
      channels: channels.length ? values.getAll("channels") : rule?.channels ?? [],
    };
  }

  /** Runs the work and shows errors with the fields that they are about. */
  async function perform(work) {
    error.replaceChildren();
    for (const control of form.elements) control.removeAttribute("aria-invalid");
    try {
      await work();
    } catch (problem) {
      if (problem.status === undefined || problem.status === 401) throw problem;
      const fields = problem.fields ?? { "": [problem.message] };
      const controls = { triggers: "critical", query: "release" };
      for (const [name, reasons] of Object.entries(fields)) {
        const control = form.elements[controls[name] ?? name];
        const label = control?.closest?.("label")?.querySelector("span")?.textContent;
        control?.setAttribute?.("aria-invalid", "true");
        error.append(...[reasons].flat().map((reason) => h("p", {}, label ? `${label}: ${reason}` : reason)));
      }
      (form.querySelector("[aria-invalid]") ?? form).focus();
    }
  }

  function save(event) {
    event.preventDefault();
    perform(async () => {
      const path = `organizations/${world.organization}/alert-rules/`;
      done(await (rule ? change("PUT", `${path}${rule.id}/`, read()) : change("POST", path, read())));
    });
  }

  function tryIt() {
    perform(async () => {
      setText(trial, "Back-test in progress …");
      try {
        const given = read();
        const answer = await change("POST", `organizations/${world.organization}/alert-rules/backtest/`, { rule: given, statsPeriod: "14d" });
        const isCount = ["sum(session)", "count_unique(user)"].includes(given.aggregate);
        const unit = given.comparison ? (isCount ? "%" : "points") : isCount ? "" : "%";
        trial.replaceChildren(backTestTable(answer, (value) => valueText(value, unit)));
      } catch (problem) {
        setText(trial, "");
        throw problem;
      }
    });
  }

  return { element: form, focus: () => form.elements.name.focus() };
}
