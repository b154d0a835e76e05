// All alert rules with their levels, and the latest incidents.

import { alertForm } from "../panels/alert-form.js";
import { channelsOf, stateMark, thresholdsOf, valueText } from "../lib/alert-words.js";
import { get } from "../lib/api.js";
import { h, scrollFrame, setText } from "../lib/dom.js";
import { count, dayAndClock, plural } from "../lib/format.js";
import { incidentTable } from "../panels/incident-table.js";
import { picker } from "../lib/pickers.js";
import { address, go } from "../lib/state.js";

export const isFiring = ({ state }) => state.level !== "ok";

const worst = { critical: 0, warning: 1, ok: 2 };

export function alertsView(world) {
  let place, written = "", channels = [];
  const project = picker("Project", (value) => go({ ...place, project: value }));
  const summary = h("p", { class: "note", role: "status" });
  const add = h("button", { type: "button", class: "primary", hidden: true, onclick: open }, "New rule");
  const rules = h("tbody", {});
  const list = h("section", { class: "panel", "aria-label": "Rules" }, scrollFrame("Rules", h("table", { class: "plain rules" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Rule"), h("th", { scope: "col" }, "Now"), h("th", { scope: "col", class: "number" }, "Value"),
      ["Thresholds", "Notifies"].map((name) => h("th", { scope: "col", class: "only-wide" }, name)))), rules)));
  const empty = h("div", { class: "empty", hidden: true }, h("h2", {}, "No alert rules yet"),
    h("p", {}, "A rule evaluates the crash-free rate, the number of sessions or another measure each minute, and notifies channels when a threshold is exceeded."),
    h("p", { class: "under" }, "Create rules here with a token of scope admin, over the API, or in the file of ", h("code", {}, "hale serve --alerts"), "."));
  const incidents = incidentTable({ hasRules: true });
  const past = h("section", { class: "panel", "aria-label": "Incidents", hidden: true }, h("header", {}, h("h2", {}, "Latest incidents")), incidents.element);
  const formPanel = h("section", { class: "panel", "aria-label": "New rule", hidden: true });
  const element = h("div", { class: "view" },
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, "Alerts"), summary),
    h("div", { class: "toolbar" }, project.element, add), formPanel, empty, list, past);

  function open() {
    const close = () => {
      formPanel.replaceChildren();
      formPanel.hidden = true;
      add.focus();
    };
    const form = alertForm(world, { rule: null, channels, cancel: close, done: ({ id }) => go({ view: "alert", id }) });
    formPanel.replaceChildren(h("header", {}, h("h2", {}, "New rule")), form.element);
    formPanel.hidden = false;
    form.focus();
  }

  function row(rule) {
    const { state } = rule;
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { class: "version", href: address({ view: "alert", id: rule.id }), "data-nav": true }, rule.name),
        h("span", { class: "under" }, rule.description)),
      h("td", {}, stateMark(rule), rule.unmatched.length > 0 && h("span", { class: "under" }, "matches nothing yet"), rule.snooze && h("span", { class: "under" }, `muted until ${dayAndClock(new Date(rule.mutedUntil))}`)),
      h("td", { class: "number" }, valueText(state.value, rule.unit), h("span", { class: "under" }, state.sessions == null || state.value == null ? "" : `of ${plural(state.sessions, "session")}`)),
      h("td", { class: "only-wide" }, thresholdsOf(rule).map(({ text }) => h("span", { class: "under" }, text))),
      h("td", { class: "only-wide" }, channelsOf(rule).join(", ") || h("span", { class: "under" }, "nobody")));
  }

  return {
    element,
    title: () => "Alerts",
    async update(fresh, { signal } = {}) {
      place = fresh;
      project.update([["", "All projects"], ...world.projects.map(({ slug }) => [slug, slug])], place.project);
      const path = `organizations/${world.organization}/`;
      const known = world.selected(place).length > 0;
      const [who, ruleList, incidentList, channelList] = await Promise.all([
        get("", {}, { signal }), known ? get(`${path}alert-rules/`, { project: place.project, per_page: 100 }, { signal }) : { data: [] },
        get(`${path}incidents/`, { per_page: 20 }, { signal }), get(`${path}notice-channels/`, {}, { signal }),
      ]);
      add.hidden = !who.data.auth.scopes.includes("org:admin");
      channels = channelList.data.map(({ name }) => name);
      const shown = [...ruleList.data].sort((left, right) => worst[left.state.level] - worst[right.state.level]);
      const firing = shown.filter(isFiring).length;
      setText(summary, shown.length ? `${plural(shown.length, "rule")}, ${firing ? `${count(firing)} firing` : "none firing"}` : "");
      const text = JSON.stringify([shown, incidentList.data]);
      if (text === written) return;
      written = text;
      empty.hidden = shown.length > 0;
      list.hidden = !shown.length;
      rules.replaceChildren(...shown.map(row));
      const own = incidentList.data.filter((one) => shown.some(({ id }) => id === one.alertRuleId));
      past.hidden = !own.length;
      incidents.show(own, (id) => shown.find((rule) => rule.id === id).unit);
    },
  };
}
