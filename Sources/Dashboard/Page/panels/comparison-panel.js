// The comparison of two releases: whether the difference may be chance.

import { changes, get } from "../lib/api.js";
import { panel } from "../charts/chart.js";
import { h, scrollFrame, setText } from "../lib/dom.js";
import { count, duration, fraction, NONE, points } from "../lib/format.js";
import { picker, segments } from "../lib/pickers.js";
import { go } from "../lib/state.js";
import { badNames } from "../lib/statuses.js";

const measures = [
  ["crashFreeSessions", "Crash-free sessions"], ["crashFreeUsers", "Crash-free users"],
  ["failureFreeSessions", "Failure-free sessions"], ["failureFreeUsers", "Failure-free users"],
  ["erroredSessions", "Errored sessions"], ["unhandledSessions", "Unhandled sessions"],
  ["abnormalSessions", "Abnormal sessions"], ["erroredUsers", "Errored users"],
  ["unhandledUsers", "Unhandled users"], ["abnormalUsers", "Abnormal users"],
];

/** The measures with those that the verdict is of first. */
const ordered = (bad) => (bad === "crashed" ? measures : [...measures.slice(2, 4), ...measures.slice(0, 2), ...measures.slice(4)]);

const verdicts = { better: () => "Better", worse: () => "Worse", chance: () => "May be chance",
  shifted: (isFewer) => (isFewer ? "Fewer, but worse ones grew" : "More, but worse ones shrank"),
  early: () => "Too early: late crashes are to come" };

export function comparisonPanel(world) {
  let place;
  const other = picker("Compare with", (value) => go({ ...place, base: value }));
  const align = segments("Compare over", [["time", "The period"], ["age", "The same age"]], (value) => go({ ...place, align: value }));
  const names = [h("th", { scope: "col", class: "number" }), h("th", { scope: "col", class: "number" })];
  const body = h("tbody", {});
  const note = h("p", { class: "note" });
  const isNew = changes();
  const frame = scrollFrame("Comparison", h("table", { class: "plain" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Measure"), names,
      h("th", { scope: "col", class: "number" }, "Difference, points"), h("th", { scope: "col" }, "Verdict"))), body));
  const element = panel("Comparison", "With 95 % intervals: a difference whose interval contains 0 may be chance",
    h("div", { class: "toolbar" }, other.element, align.element), frame, note);
  element.classList.add("is-wide");

  function explain(text) {
    isNew();
    setText(note, text);
  }

  return {
    element,
    /** - Parameter shown: {start, end} of the page's period, which is compared unless ages are. */
    async update(fresh, release, scope, shown, { signal } = {}) {
      place = fresh;
      const organization = `organizations/${world.organization}`;
      const { data: list } = await get(`${organization}/releases/`, { project: scope.project, environment: place.environment, per_page: 100, sort: "semver" }, { signal });
      const versions = list.map(({ version }) => version).filter((version) => version !== place.version);
      const previous = release.projects.map(({ healthData }) => healthData?.previous?.version).find(Boolean);
      const base = place.base || previous || versions[0] || "";
      other.update(versions.map((version) => [version, version]), base);
      align.update(place.align);
      frame.hidden = !base;
      if (!base) return explain("There is no other release to compare with yet.");
      const period = place.align === "age" ? { statsPeriod: scope.statsPeriod } : { start: shown.start, end: shown.end };
      let data;
      try {
        ({ data } = await get(`${organization}/sessions/compare/`, {
          project: scope.project, environment: scope.environment, ...period, base, candidate: place.version, align: place.align,
        }, { signal }));
      } catch (error) {
        if (error.status !== 400) throw error;
        frame.hidden = true;
        return explain(error.message);
      }
      if (!isNew(data)) return;
      setText(names[0], base);
      setText(names[1], place.version);
      const length = Math.round((new Date(data.candidate.end) - new Date(data.candidate.start)) / 3_600_000);
      const span = place.align === "age"
        ? `Each over the first ${count(length)} hours since its own first session${data.known.sessions === "atAge" ? ", sessions as known at that age" : ""}; users and durations as known now.`
        : "Both over the same period, as known now.";
      setText(note, [span, `Bad are sessions that are ${badNames[data.bad]}.`, data.hint].filter(Boolean).join(" "));
      const cell = (text, more) => h("td", { class: "number" }, text, more && h("span", { class: "under" }, more));
      const range = (share) => (share ? `${fraction(share.low)} to ${fraction(share.high)}` : "");
      body.replaceChildren(
        ...ordered(data.bad).map(([name, text]) => {
          const difference = data.difference[name];
          const verdict = difference?.verdict;
          return h("tr", {}, h("th", { scope: "row" }, text),
            cell(fraction(data.base[name]?.value), range(data.base[name])),
            cell(fraction(data.candidate[name]?.value), range(data.candidate[name])),
            cell(difference ? points(difference.value).text : NONE, difference && `${points(difference.low).text} to ${points(difference.high).text}`),
            h("td", {}, verdict ? h("span", { class: "verdict", "data-verdict": verdict }, verdicts[verdict](difference.value < 0 !== name.startsWith("failureFree"))) : NONE));
        }),
        ...[["Sessions", (side) => count(side.sessions.total)], ["Users", (side) => count(side.users.total)],
          ["Adoption of sessions", (side) => fraction(side.adoption.sessions, 1)],
          ["Median duration", (side) => duration(side.durationP50)], ["95th percentile of durations", (side) => duration(side.durationP95)]]
          .map(([text, write]) => h("tr", {}, h("th", { scope: "row" }, text), cell(write(data.base)), cell(write(data.candidate)), h("td", {}), h("td", {}))));
    },
  };
}
