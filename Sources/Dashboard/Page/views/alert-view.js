// One alert rule: its value over time with the thresholds, its incidents, and a back-test.

import { alertForm } from "../panels/alert-form.js";
import { axisText, channelsOf, isFreeRate, sideText, stateMark, thresholdsOf, valueText } from "../lib/alert-words.js";
import { change, changes, get } from "../lib/api.js";
import { backTestTable } from "../panels/back-test.js";
import { panel } from "../charts/chart.js";
import { h, setAttribute, setText } from "../lib/dom.js";
import { count, dayAndClock, plural } from "../lib/format.js";
import { incidentTable } from "../panels/incident-table.js";
import { lineChart, lineLegend, thresholdMark } from "../charts/line-chart.js";
import { picker, segments } from "../lib/pickers.js";
import { address, go, ranges } from "../lib/state.js";

const muteLengths = [["60", "1 hour"], ["480", "8 hours"], ["1440", "1 day"], ["10080", "7 days"]];
const rangeNames = { "6h": "6 hours", "24h": "24 hours", "7d": "7 days" };

export function alertView(world) {
  let place, rule, isAdmin = false, channels = [], chart, drawn = "";
  const heading = h("h1", { tabindex: -1 });
  const state = h("span", {});
  const words = h("p", { class: "note" });
  const error = h("p", { class: "error", role: "alert" });
  const perform = (work) => world.perform(work, error);
  const range = segments("Time shown", Object.entries(rangeNames), (value) => go({ ...place, range: value }));
  const mute = picker("Mute for", (value) => perform(() => change("POST", `${path()}mute/`, { minutes: Number(value) })));
  const unmute = h("button", { type: "button", onclick: () => perform(() => change("DELETE", `${path()}mute/`)) }, "Unmute");
  const edit = h("button", { type: "button", onclick: open }, "Change");
  const remove = h("button", { type: "button", class: "danger", onclick: end, onblur: () => setText(remove, "Delete") }, "Delete");
  const formPanel = h("section", { class: "panel", "aria-label": "Change the rule", hidden: true });
  const figure = h("div", {}), legend = h("div", {});
  const facts = h("dl", { class: "pairs" });
  const incidents = incidentTable({ hasRules: false });
  const noIncident = h("p", { class: "under" }, "No incidents yet.");
  const trial = h("div", { role: "status" });
  const tried = h("button", { type: "button", onclick: tryIt }, "Back-test on the last 14 days");
  const value = panel("Value", "The worst value of each point, and the incidents", figure, legend);
  value.classList.add("is-wide");
  const element = h("div", { class: "view" },
    h("div", { class: "title" }, h("a", { class: "back", href: "alerts/", "data-nav": true }, "All alert rules"), heading, state, words),
    h("div", { class: "toolbar" }, range.element, mute.element, unmute, edit, remove), error, formPanel,
    h("div", { class: "panels" }, value, panel("Rule", null, facts), panel("Incidents", null, noIncident, incidents.element),
      panel("Back-test", "When the rule would have fired, from what was known at each time", tried, trial)));
  element.querySelector(".panels").lastChild.classList.add("is-wide");
  const isNew = changes();

  const path = () => `organizations/${world.organization}/alert-rules/${encodeURIComponent(place.id)}/`;

  /** Deletes the rule at the second press. */
  async function end() {
    if (remove.textContent === "Delete") return setText(remove, "Sure?");
    await perform(async () => {
      await change("DELETE", path());
      go({ view: "alerts", project: "" });
    });
  }

  function open() {
    const close = () => {
      formPanel.replaceChildren();
      formPanel.hidden = true;
    };
    const form = alertForm(world, {
      rule, channels, cancel() {
        close();
        edit.focus();
      },
      done() {
        close();
        world.refresh();
      },
    });
    formPanel.replaceChildren(h("header", {}, h("h2", {}, "Change the rule")), form.element);
    formPanel.hidden = false;
    form.focus();
  }

  function tryIt() {
    const { unit } = rule;
    return perform(async () => {
      setText(trial, "Back-test in progress …");
      try {
        const { data } = await get(`${path()}backtest/`, { statsPeriod: "14d" });
        trial.replaceChildren(backTestTable(data, (one) => valueText(one, unit)));
      } catch (problem) {
        setText(trial, "");
        throw problem;
      }
    });
  }

  /** The axis of a crash-free or failure-free rate ends at 100 %; the axis of other values starts at 0. */
  function makeChart() {
    const isFree = isFreeRate(rule);
    const kind = JSON.stringify([isFree, rule.unit, rule.comparison]);
    if (kind === drawn) return;
    drawn = kind;
    chart = lineChart({
      label: "Value of the rule", height: 240, isFromZero: !isFree && !rule.comparison, ceiling: isFree ? 100 : undefined, tick: axisText(rule.unit),
    });
    figure.replaceChildren(chart.element);
  }

  function showValues({ start, end, intervalMinutes, evaluations }) {
    const step = intervalMinutes * 60_000;
    const first = Math.floor(Date.parse(start) / step) * step;
    const times = [];
    for (let time = first; time <= Date.parse(end); time += step) times.push(new Date(time));
    const values = times.map(() => null), sessions = times.map(() => null), levels = times.map(() => "ok");
    for (const one of evaluations) {
      const at = Math.floor((Date.parse(one.time) - first) / step);
      if (at < 0 || at >= times.length) continue;
      [values[at], sessions[at], levels[at]] = [one.value, one.sessions, one.level];
    }
    const text = (at) => (values[at] == null ? (sessions[at] == null ? "not evaluated" : `no data (${plural(sessions[at], "session")})`)
      : `${valueText(values[at], rule.unit)} of ${plural(sessions[at], "session")}`);
    const series = [{ name: "Value", values, text }];
    const thresholds = thresholdsOf(rule);
    makeChart();
    chart.update({ times, series, thresholds, isWhole: true, spans: spansOf(levels) },
      `${valueText(rule.state.value, rule.unit)} now; ${thresholds.map((one) => one.text).join(", ")}`);
    legend.replaceChildren(lineLegend(series));
    legend.firstChild.append(...thresholds.map((one) => h("li", {}, thresholdMark(one.level), one.text)));
  }

  function showRule() {
    setText(heading, rule.name);
    state.replaceChildren(stateMark(rule));
    const muted = rule.snooze ? ` · muted until ${dayAndClock(new Date(rule.mutedUntil))}` : "";
    setText(words, rule.description + muted);
    const fact = (name, text, under) => [h("dt", {}, name), h("dd", {}, [text].flat().map((line) => h("span", { class: "line" }, line)), under && h("span", { class: "under" }, under))];
    const { state: now } = rule;
    facts.replaceChildren(...[
      fact("Now", valueText(now.value, rule.unit), now.sessions == null ? "not evaluated yet" : `of ${plural(now.sessions, "session")} in the window`),
      rule.unmatched.length ? fact("Matches nothing yet", rule.unmatched.map(({ reason }) => reason), "") : [],
      ...(rule.release === "latest" ? [fact("Latest release", now.release ?? "none", "")] : []),
      fact("Fires", thresholdsOf(rule).filter(({ level }) => level !== "resolve").map(({ text }) => text),
        `${rule.thresholdPeriod === 1 ? "after 1 minute" : `after ${count(rule.thresholdPeriod)} consecutive minutes`}${rule.minSessions ? `, minimum ${plural(rule.minSessions, "session")}` : ""}`),
      fact("Resolves", rule.resolveThreshold == null ? `no longer ${sideText(rule)} ${valueText(thresholdsOf(rule).findLast(({ level }) => level !== "resolve").value, rule.unit)}` : thresholdsOf(rule).at(-1).text, ""),
      fact("Notifies", channelsOf(rule).join(", ") || "nobody", ""),
      fact("Source", rule.source === "file" ? "alert rules file" : "dashboard or API", rule.source === "file" ? "can only be changed in the file" : `changed ${dayAndClock(new Date(rule.dateModified))}`),
    ].flat());
    mute.update([["", rule.snooze ? "muted" : "not muted"], ...muteLengths], "");
    mute.element.hidden = !isAdmin;
    unmute.hidden = !isAdmin || !rule.snooze;
    edit.hidden = remove.hidden = !isAdmin || rule.source === "file";
  }

  return {
    element,
    title: () => rule?.name ?? "Alert",
    async update(fresh, { signal } = {}) {
      place = fresh;
      range.update(place.range);
      const organization = `organizations/${world.organization}/`;
      let found;
      try {
        found = await get(path(), {}, { signal });
      } catch (problem) {
        if (problem.status !== 404) throw problem;
        element.classList.add("is-missing");
        setText(heading, "Alert rule");
        return setText(words, "The rule does not exist; it may have been deleted.");
      }
      element.classList.remove("is-missing");
      // The name may change while the page is open.
      if (found.data.id !== place.id) return go({ ...place, id: found.data.id }, { replaces: true });
      const [who, evaluations, incidentList, channelList] = await Promise.all([
        get("", {}, { signal }), get(`${path()}evaluations/`, { statsPeriod: place.range, interval: ranges[place.range] }, { signal }),
        get(`${organization}incidents/`, { alertRule: found.data.id, per_page: 20 }, { signal }), get(`${organization}notice-channels/`, {}, { signal }),
      ]);
      rule = found.data;
      isAdmin = who.data.auth.scopes.includes("org:admin");
      channels = channelList.data.map(({ name }) => name);
      if (!isNew(rule, who.data, evaluations.data, incidentList.data, place.range)) return;
      showRule();
      showValues(evaluations.data);
      setAttribute(noIncident, "hidden", incidentList.data.length > 0);
      setAttribute(incidents.element, "hidden", !incidentList.data.length);
      incidents.show(incidentList.data, () => rule.unit);
    },
  };
}

/** The ranges of points at which the rule fires: {from, to, level}, both inclusive. */
function spansOf(levels) {
  const spans = [];
  levels.forEach((level, at) => {
    if (level === "ok") return;
    const last = spans.at(-1);
    if (last?.to === at - 1 && last.level === level) last.to = at;
    else spans.push({ from: at, to: at, level });
  });
  return spans;
}
