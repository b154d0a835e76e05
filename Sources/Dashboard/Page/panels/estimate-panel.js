// What is still to be told of a release: the estimate beside the exact count, and the gate's verdict.

import { changes, get } from "../lib/api.js";
import { panel } from "../charts/chart.js";
import { h } from "../lib/dom.js";
import { count, fraction, NONE, percent, plural } from "../lib/format.js";

/** The estimate is never shown without this. */
export const estimateName = "Estimate once all late crashes are told";

const verdicts = { green: "healthy enough", red: "worse", unknown: "cannot tell yet" };
const asked = 30_000;

/** Whether there is an estimate, and it is another number than the exact one. */
export const isToCome = (data) => data?.estimate != null && data.reportingDelay.knownShare < 0.995;

export const rangeText = ({ low, high }) => `${fraction(low)} to ${fraction(high)}`;

const within = (hours) => (hours === 0 ? "within the hour of the start" : `within ${plural(hours, "hour")}`);

export function estimatePanel(world) {
  const list = h("dl", { class: "facts" });
  const element = panel("Late crashes", "Apps tell of a crash at their next launch: a young release looks healthier than it is", list);
  element.classList.add("is-wide");
  const isNew = changes();
  let last = { question: "", time: 0, answers: [null, null] };

  /** null where the release is too old, or has nothing to compare with. */
  async function ask(path, parameters, options) {
    try {
      return (await get(path, parameters, options)).data;
    } catch (error) {
      if (error.status !== 400 && error.status !== 404) throw error;
      return null;
    }
  }

  function show(data, gate) {
    const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value), h("span", { class: "change" }, note)));
    const facts = [fact("Crash-free sessions, as told so far", percent(data.sessions - data.crashed, data.sessions), `${count(data.crashed)} of ${count(data.sessions)} crashed`)];
    const { isLearnt, crashes, hoursToHalf, hoursToMost, knownShare } = data.reportingDelay;
    if (isToCome(data)) facts.push(fact(estimateName, fraction(data.estimate.value), `${rangeText(data.estimate)}, with 95 % confidence`));
    facts.push(isLearnt
      ? fact("Told so far", `about ${fraction(knownShare, 0)}`, `of the crashes of these sessions; half are told ${within(hoursToHalf)}, nine tenths ${within(hoursToMost)}, as learnt from ${plural(crashes, "crash", "crashes")} of the last 7 days`)
      : fact("Told so far", NONE, "too few crashes in the last 7 days to learn how late they are told: there is no estimate"));
    if (gate) facts.push(fact("Release gate", h("span", { class: "verdict", "data-verdict": { green: "better", red: "worse" }[gate.verdict] }, verdicts[gate.verdict]), gate.reason));
    list.replaceChildren(...facts);
  }

  return {
    element,
    /** - Returns: the estimate, if there is one. */
    async update(place, scope, { signal } = {}) {
      const path = `organizations/${world.organization}/releases/${encodeURIComponent(place.version)}/`;
      const question = JSON.stringify([path, scope]);
      // The delay is learnt from a week of arrivals: too much for every round of the page.
      if (question !== last.question || Date.now() - last.time >= asked) {
        const { statsPeriod, interval, ...whole } = scope;
        const answers = await Promise.all([
          ask(`${path}estimate/`, scope, { signal }), ask(`${path}gate/`, whole, { signal }),
        ]);
        last = { question, time: Date.now(), answers };
      }
      const [data, gate] = last.answers;
      element.hidden = !data;
      if (data && isNew(data, gate)) show(data, gate);
      return data;
    },
  };
}
