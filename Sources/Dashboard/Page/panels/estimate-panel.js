// Late crashes of a release: the exact count, the estimate, and the gate's verdict.

import { changes, get } from "../lib/api.js";
import { panel } from "../charts/chart.js";
import { h } from "../lib/dom.js";
import { count, fraction, NONE, percent, plural } from "../lib/format.js";

/** The label of the estimate, which is never shown without it. */
export const estimateName = "Estimate once all late crashes are reported";

const verdicts = { green: "healthy enough", red: "worse", unknown: "not decided yet" };
const refreshMilliseconds = 30_000;

/** Whether there is an estimate that differs from the exact count. */
export const isToCome = (data) => data?.estimate != null && data.reportingDelay.knownShare < 0.995;

export const rangeText = ({ low, high }) => `${fraction(low)} to ${fraction(high)}`;

const within = (hours) => (hours === 0 ? "within the hour of the start" : `within ${plural(hours, "hour")}`);

export function estimatePanel(world) {
  const list = h("dl", { class: "facts" });
  const element = panel("Late crashes", "Apps report a crash at their next launch: a young release looks healthier than it is", list);
  element.classList.add("is-wide");
  const isNew = changes();
  let last = { key: "", time: 0, answers: [null, null] };

  /** - Returns: null if the release is too old, or if there is no baseline. */
  async function query(path, parameters, options) {
    try {
      return (await get(path, parameters, options)).data;
    } catch (error) {
      if (error.status !== 400 && error.status !== 404) throw error;
      return null;
    }
  }

  function show(data, gate) {
    const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value), h("span", { class: "change" }, note)));
    const facts = [fact("Crash-free sessions, reported so far", percent(data.sessions - data.crashed, data.sessions), `${count(data.crashed)} of ${count(data.sessions)} crashed`)];
    const { isLearnt, crashes, hoursToHalf, hoursToMost, knownShare } = data.reportingDelay;
    // Without enough crashes there may be enough failures to learn from.
    const late = data.failureFreeEstimate;
    if (isToCome(data)) facts.push(fact(estimateName, fraction(data.estimate.value), `${rangeText(data.estimate)}, with 95 % confidence`));
    if (data.bad !== "crashed") {
      facts.push(fact("Failure-free sessions, reported so far", percent(data.sessions - data.failed, data.sessions), `${count(data.failed)} of ${count(data.sessions)} crashed or had an unhandled error`));
      if (late && late.low < late.high) facts.push(fact("The same once all late crashes are reported", fraction(late.value), `${rangeText(late)}, with 95 % confidence`));
    }
    facts.push(isLearnt
      ? fact("Reported so far", `about ${fraction(knownShare, 0)}`, `of the crashes of these sessions; half are reported ${within(hoursToHalf)}, nine tenths ${within(hoursToMost)}, as learnt from ${plural(crashes, "crash", "crashes")} of the last 7 days`)
      : fact("Reported so far", NONE, `too few crashes in the last 7 days to learn ${late ? "their" : "the"} reporting delay: there is no estimate${late ? " of them alone" : ""}`));
    if (gate) facts.push(fact("Release gate", h("span", { class: "verdict", "data-verdict": { green: "better", red: "worse" }[gate.verdict] }, verdicts[gate.verdict]), [gate.reason, gate.hint].filter(Boolean).join(" ")));
    list.replaceChildren(...facts);
  }

  return {
    element,
    /** - Returns: the estimate, if there is one. */
    async update(place, scope, { signal } = {}) {
      const path = `organizations/${world.organization}/releases/${encodeURIComponent(place.version)}/`;
      const key = JSON.stringify([path, scope]);
      // The delay is learnt from a week of arrivals, so it is not queried in every round.
      if (key !== last.key || Date.now() - last.time >= refreshMilliseconds) {
        const { statsPeriod, interval, ...whole } = scope;
        const answers = await Promise.all([
          query(`${path}estimate/`, scope, { signal }), query(`${path}gate/`, whole, { signal }),
        ]);
        last = { key, time: Date.now(), answers };
      }
      const [data, gate] = last.answers;
      element.hidden = !data;
      if (data && isNew(data, gate)) show(data, gate);
      return data;
    },
  };
}
