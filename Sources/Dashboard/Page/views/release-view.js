// One release: its sessions and users over time and by environment, and a comparison with another release.

import { thresholdsOf, watches } from "../lib/alert-words.js";
import { changes, get } from "../lib/api.js";
import { statusBars } from "../charts/bar-chart.js";
import { panel } from "../charts/chart.js";
import { comparisonPanel } from "../panels/comparison-panel.js";
import { estimateName, estimatePanel, isToCome, rangeText } from "../panels/estimate-panel.js";
import { h, scrollFrame, setAttribute, setText, visible } from "../lib/dom.js";
import { axisPercent, count, dateText, dayAndClock, duration, fraction, NONE, percent, utcText, withoutPackage } from "../lib/format.js";
import { bandMark, lineChart, lineLegend, thresholdMark } from "../charts/line-chart.js";
import { commonPickers } from "../lib/pickers.js";
import { failing, showChange } from "../panels/release-table.js";
import { address, intervals, lastList } from "../lib/state.js";
import { badOf, statuses } from "../lib/statuses.js";
import { trustPanel } from "../panels/trust-panel.js";

const fields = ["sum(session)", "count_unique(user)", "avg(session.duration)", "p50(session.duration)", "p95(session.duration)"];
const [SESSIONS, USERS, , P50, P95] = fields;
const failureFreeFields = ["failure_free_rate(session)", "failure_free_rate(user)"];

export function releaseView(world) {
  let place;
  const pickers = commonPickers();
  const back = h("a", { class: "back", "data-nav": true }, "All releases");
  const heading = h("h1", { tabindex: -1 });
  const facts = h("p", { class: "note" });
  const hint = h("p", { class: "hint error", role: "status", hidden: true });
  const figures = Object.fromEntries(["failureFreeSessions", "failureFreeUsers", "crashFreeSessions", "crashFreeUsers", "sessions", "users", "adoption", "duration"]
    .map((name) => [name, figure()]));
  const titles = {
    failureFreeSessions: "Failure-free sessions", failureFreeUsers: "Failure-free users",
    crashFreeSessions: "Crash-free sessions", crashFreeUsers: "Crash-free users", sessions: "Sessions", users: "Users",
    adoption: "Adoption in the period", duration: "Median duration",
  };
  const freeChart = lineChart({
    label: "Crash-free sessions and users", isFromZero: false, ceiling: 1, tick: axisPercent,
  });
  const freeLegend = h("div", {});
  const sessionBars = statusBars({ label: "Sessions by status" });
  const userBars = statusBars({ label: "Users by their worst session" });
  const durations = lineChart({ label: "Durations of sessions that exited", tick: (value) => (value ? duration(value) : "0"), steps: durationSteps });
  const durationLegend = h("div", {});
  const adoption = lineChart({ label: "Adoption of the release", tick: axisPercent });
  const adoptionLegend = h("div", {});
  const environments = h("tbody", {});
  const environmentNames = h("tr", {});
  const comparison = comparisonPanel(world);
  const trust = trustPanel(world);
  const estimate = estimatePanel(world);
  const isNew = changes();
  const element = h("div", { class: "view" },
    h("div", { class: "title" }, back, heading, facts),
    h("div", { class: "toolbar" }, ...pickers.elements, hint),
    h("dl", { class: "figures" }, Object.entries(figures).map(([name, one]) => h("div", { hidden: name.startsWith("failure") }, h("dt", {}, titles[name]), one.element))),
    h("div", { class: "panels" },
      panel("Crash-free rate", null, freeChart.element, freeLegend),
      panel("Adoption", "Share of all sessions and users of the project", adoption.element, adoptionLegend),
      estimate.element,
      panel("Sessions", "By status", ...sessionBars.elements),
      panel("Users", "Each user once per point, by the worst session", ...userBars.elements),
      panel("Durations", "Sessions that exited", durations.element, durationLegend),
      panel("Environments", null, scrollFrame("Environments", h("table", { class: "plain" },
        h("thead", {}, environmentNames),
        environments))),
      comparison.element, trust.element));

  return {
    element,
    title: () => place?.version ?? "Release",
    async update(fresh, { signal } = {}) {
      place = fresh;
      pickers.update(place, world);
      const { sort, query: listQuery, display } = lastList.place;
      setAttribute(back, "href", address({ ...place, sort, query: listQuery, display, view: "releases" }));
      setText(back, place.project ? `Releases of ${place.project}` : "All releases");
      setText(heading, place.version);
      const organization = `organizations/${world.organization}`;
      // All queries use one interval: ranges are rounded to whole intervals, so all numbers cover the same time.
      const scope = {
        project: place.project, environment: place.environment, statsPeriod: place.statsPeriod, interval: intervals[place.statsPeriod],
      };
      const { data: release, unknown } = await find(`${organization}/releases/${encodeURIComponent(place.version)}/`, signal);
      setText(hint, unknown ?? "");
      hint.hidden = !unknown;
      element.classList.toggle("is-missing", !release);
      if (!release) return setText(facts, "There is no release with this name.");
      // The address may say `latest`.
      place = { ...place, version: release.version };
      setText(heading, place.version);
      // Without a selection, adoption is the share within the release's own projects.
      if (!place.project) scope.project = release.projects.map(({ id }) => id);
      // An environment that the projects do not have is an error of these three, and no number.
      const isKnown = !place.environment || world.selected(place).some(({ id, environments }) =>
        environments.includes(place.environment) && release.projects.some((one) => String(one.id) === String(id)));
      for (const { element } of [estimate, comparison, trust]) element.hidden = !isKnown;
      const bad = badOf(world.projects.filter(({ id }) => release.projects.some((one) => String(one.id) === String(id))));
      const search = `release:${quoted(place.version)}`;
      const query = (parameters) => get(`${organization}/sessions/`, parameters, { signal });
      const byStatus = query({ ...scope, query: search, field: fields, groupBy: "session.status" });
      const [own, all, places, freePlaces, estimated, rules, failureFree] = await Promise.all([
        byStatus,
        query({ ...scope, field: [SESSIONS, USERS] }),
        query({ ...scope, query: search, field: [SESSIONS, USERS], groupBy: ["environment", "session.status"], includeSeries: 0 }),
        bad === "crashed" ? null : query({ ...scope, query: search, field: failureFreeFields, groupBy: "environment", includeSeries: 0 }),
        isKnown ? estimate.update(place, scope, { signal }) : null,
        get(`${organization}/alert-rules/`, { project: scope.project, per_page: 100 }, { signal }),
        // Without unhandled sessions the failure-free rates are the crash-free ones.
        byStatus.then(({ data }) => (readStatuses(data).totals(SESSIONS).unhandled ? query({ ...scope, query: search, field: failureFreeFields }) : null)),
        isKnown && byStatus.then(({ data }) => comparison.update(place, release, scope, data, { signal })),
        isKnown && trust.update(place, scope, search, { signal }),
      ]);
      if (!isNew(release, own.data, all.data, places.data, freePlaces?.data, estimated, rules.data, failureFree?.data, bad)) return;
      for (const name of ["failureFreeSessions", "failureFreeUsers"]) figures[name].element.parentElement.hidden = bad === "crashed";
      const shown = { version: place.version, environment: place.environment, projects: release.projects.map(({ slug }) => slug) };
      showOwn(readStatuses(own.data), all.data, release, isToCome(estimated) ? estimated : null,
        rules.data.filter((rule) => watches(rule, shown)), failureFree?.data.groups[0]);
      showEnvironments(places.data, freePlaces?.data.groups);
    },
  };

  /** - Returns: the answer; without data if the release does not exist. */
  async function find(path, signal) {
    try {
      return await get(path, {
        project: place.project, environment: place.environment, health: 1, overview: 1, summaryStatsPeriod: place.statsPeriod,
        summaryInterval: intervals[place.statsPeriod],
      }, { signal });
    } catch (error) {
      if (error.status !== 404) throw error;
      return {};
    }
  }

  function showOwn(own, all, release, estimated, rules, failureFree) {
    const { times } = own;
    const whole = all.groups[0] ?? { totals: {}, series: { [SESSIONS]: times.map(() => 0), [USERS]: times.map(() => 0) } };
    const sums = { [SESSIONS]: own.sums(SESSIONS), [USERS]: own.sums(USERS) };
    const totals = { [SESSIONS]: total(own.totals(SESSIONS)), [USERS]: total(own.totals(USERS)) };
    const crashed = { [SESSIONS]: own.totals(SESSIONS).crashed, [USERS]: own.totals(USERS).crashed };
    const free = (field) => own.counts(field).crashed.map((bad, at) => (sums[field][at] ? (sums[field][at] - bad) / sums[field][at] : null));
    // Both sides of the change are of one answer: between two queries sessions arrive.
    const { previous, ...same } = (release.projects.length === 1 && release.projects[0].healthData) || {};
    for (const [at, [name, field, kind]] of [["crashFreeSessions", SESSIONS, "sessions"], ["crashFreeUsers", USERS, "users"]].entries()) {
      figures[name].set(percent(totals[field] - crashed[field], totals[field]));
      showChange(figures[name].note, same[kind] ?? { total: 0 }, previous?.[kind], previous?.version);
      const other = name.replace("crash", "failure");
      const now = failing({ total: totals[field], crashed: crashed[field] }, failureFree?.totals[failureFreeFields[at]]);
      figures[other].set(percent(now.total - now.crashed, now.total));
      showChange(figures[other].note, failing(same[kind] ?? { total: 0 }, percentage(same[other])),
        previous && failing(previous[kind], percentage(previous[other])), previous?.version);
      for (const { note } of [figures[name], figures[other]]) if (previous && note.textContent) note.append(visible(` vs ${withoutPackage(previous.version)}`));
    }
    figures.sessions.set(count(totals[SESSIONS]), `${count(crashed[SESSIONS])} crashed`);
    figures.users.set(count(totals[USERS]), `${count(crashed[USERS])} with a crash`);
    figures.adoption.set(percent(totals[SESSIONS], whole.totals[SESSIONS], 1), totals[USERS] ? `of users ${percent(totals[USERS], whole.totals[USERS], 1)}` : "");
    figures.duration.set(duration(own.healthy.totals[P50]), own.healthy.totals[P95] == null ? "" : `95 % within ${duration(own.healthy.totals[P95])}`);
    const created = new Date(release.dateCreated);
    setText(facts, [release.projects.map(({ slug }) => slug).join(", "), `created ${dateText(created)}`,
      release.dateReleased && `released ${dateText(new Date(release.dateReleased))}`,
      `numbers since ${dayAndClock(times[0])}`].filter(Boolean).join(" · "));
    setAttribute(facts, "title", utcText(created));

    const rates = [["Sessions", SESSIONS, 0], ["Users", USERS, 1]].map(([name, field, color]) => ({
      name, color, values: free(field),
      text: (at) => `${percent(sums[field][at] - own.counts(field).crashed[at], sums[field][at])} of ${count(sums[field][at])}`,
    }));
    for (const [at, field] of failureFree ? failureFreeFields.entries() : []) {
      const values = failureFree.series[field];
      // The dashed lines of the same colours.
      rates.push({ name: `${rates[at].name}, failure-free`, color: rates[at].color + 8, values, text: (at) => fraction(values[at]) });
    }
    const band = estimated && bandOf(estimated.series, times);
    const thresholds = rules.flatMap((rule) => thresholdsOf(rule).filter(({ level }) => level !== "resolve")
      .map((one) => ({ ...one, value: one.value / 100, rule })));
    freeChart.update({
      times, series: rates, band, thresholds,
      notes: (at) => (band?.[at] ? [{ name: `${estimateName}, sessions`, text: rangeText(band[at]), mark: bandMark }] : []),
    }, `Sessions ${figures.crashFreeSessions.text()}, users ${figures.crashFreeUsers.text()} in all${failureFree ? `; failure-free, that is without crashes and unhandled errors, ${failureFreeFields.map((field) => fraction(failureFree.totals[field])).join(" and ")}` : ""}`);
    freeLegend.replaceChildren(lineLegend(rates));
    freeLegend.firstChild.append(...thresholds.map(({ level, text, rule }) => h("li", {}, thresholdMark(level),
      h("a", { href: address({ view: "alert", id: rule.id }), "data-nav": true, title: rule.description }, `${text}: ${rule.name}`))));
    if (band?.some(Boolean)) freeLegend.firstChild.append(h("li", {}, bandMark(), `${estimateName}, sessions, with 95 % confidence`));
    sessionBars.update({ times, counts: own.counts(SESSIONS) }, own.totals(SESSIONS));
    userBars.update({ times, counts: own.counts(USERS) }, own.totals(USERS));
    const lengths = [["Median", P50, 0], ["95th percentile", P95, 1]].map(([name, field, color]) => ({
      name, color, values: own.healthy.series[field] ?? [], text: (at) => duration(own.healthy.series[field]?.[at]),
    }));
    durations.update({ times, series: lengths }, `Median ${figures.duration.text()}`);
    durationLegend.replaceChildren(lineLegend(lengths));
    const shares = [["Sessions", SESSIONS, 0], ["Users", USERS, 1]].map(([name, field, color]) => ({
      name, color, values: sums[field].map((part, at) => (whole.series[field][at] ? part / whole.series[field][at] : null)),
      text: (at) => `${percent(sums[field][at], whole.series[field][at], 1)} of ${count(whole.series[field][at])}`,
    }));
    adoption.update({ times, series: shares }, `${figures.adoption.text()} of all sessions`);
    adoptionLegend.replaceChildren(lineLegend(shares));
  }

  /** - Parameter freePlaces: the failure-free rates of each environment, where unhandled sessions are bad. */
  function showEnvironments({ groups }, freePlaces) {
    const [word, failures] = freePlaces ? ["Failure-free", "Failures"] : ["Crash-free", "Crashes"];
    environmentNames.replaceChildren(h("th", { scope: "col" }, "Environment"),
      ...["Sessions", `${word} sessions`, "Users", `${word} users`, failures].map((name) => h("th", { scope: "col", class: "number" }, name)));
    const names = [...new Set(groups.map(({ by }) => by.environment))].sort();
    environments.replaceChildren(...names.map((name) => {
      const of = (field) => Object.fromEntries(statuses.map((status) => [status,
        groups.find(({ by }) => by.environment === name && by["session.status"] === status)?.totals[field] ?? 0]));
      const [sessions, users] = [of(SESSIONS), of(USERS)];
      const rates = freePlaces?.find(({ by }) => by.environment === name)?.totals;
      const free = (counts, at) => (rates ? fraction(rates[failureFreeFields[at]]) : percent(total(counts) - counts.crashed, total(counts)));
      const cell = (text) => h("td", { class: "number" }, text);
      return h("tr", {}, h("th", { scope: "row" }, name || "(none)"),
        cell(count(total(sessions))), cell(free(sessions, 0)), cell(count(total(users))), cell(free(users, 1)),
        cell(count(sessions.crashed + (freePlaces ? sessions.unhandled : 0))));
    }));
    if (!names.length) environments.append(h("tr", {}, h("td", { colspan: 6 }, "No sessions in this period.")));
  }
}

const percentage = (value) => (value == null ? null : value / 100);

const total = (counts) => statuses.reduce((sum, status) => sum + counts[status], 0);

/** A quoted value of a search, with special characters escaped. */
const quoted = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("*", "\\*")}"`;

/** Round durations, in milliseconds. */
const durationSteps = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
  1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
];

/** The interval of the estimate for each point of a chart; null where nothing is to come. */
function bandOf({ intervals, low, high }, times) {
  const places = new Map(intervals.map((text, at) => [Date.parse(text), at]));
  return times.map((time) => {
    const at = places.get(time.getTime());
    return low[at] == null ? null : { low: low[at], high: high[at] };
  });
}

/** Reads an answer that is grouped by status: counts by field. */
function readStatuses({ intervals, groups }) {
  const times = intervals.map((text) => new Date(text));
  const of = (status) => groups.find(({ by }) => by["session.status"] === status) ?? { totals: {}, series: {} };
  const zeros = times.map(() => 0);
  const counts = (field) => Object.fromEntries(statuses.map((status) => [status, of(status).series[field] ?? zeros]));
  return {
    times,
    counts,
    healthy: of("healthy"),
    totals: (field) => Object.fromEntries(statuses.map((status) => [status, of(status).totals[field] ?? 0])),
    sums: (field) => zeros.map((_, at) => statuses.reduce((sum, status) => sum + (of(status).series[field]?.[at] ?? 0), 0)),
  };
}

function figure() {
  const value = h("b", {}, NONE);
  const note = h("span", { class: "change" });
  return {
    element: h("dd", {}, value, note),
    note,
    text: () => value.textContent,
    set(text, under) {
      setText(value, text);
      if (under !== undefined) setText(note, under);
    },
  };
}
