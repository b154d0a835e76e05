// The error budget of one project: what remains, the burn rates, and the history.

import { changes, get } from "../lib/api.js";
import { panel } from "../charts/chart.js";
import { h, scrollFrame, setText } from "../lib/dom.js";
import { count, fraction, NONE } from "../lib/format.js";
import { lineChart } from "../charts/line-chart.js";
import { freeWord } from "../lib/statuses.js";

export const measures = { crash_free_sessions: "sessions", crash_free_users: "users" };

/** An objective as text. */
export const objectiveText = ({ measure, target, days, bad }) =>
  `${target} % of ${measures[measure]} ${freeWord(bad)} over ${days === 1 ? "1 day" : `${days} days`}`;

const windowNames = {
  "5m": "5 minutes", "30m": "30 minutes", "1h": "hour", "2h": "2 hours", "6h": "6 hours", "1d": "day", "3d": "3 days",
};

/** Formats a share that may be below 0 or far above 1. */
export const share = (value) => (value == null ? NONE : value < 0 ? `−${fraction(-value, 1)}` : fraction(value, 1));

const factor = (rate) => (rate == null ? NONE : `${rate === 0 || rate >= 10 ? Math.round(rate) : rate < 0.1 ? "<0.1" : rate.toFixed(1)}×`);

/** How long a full budget lasts at a burn rate. */
function lasting(rate, days) {
  if (rate == null) return "no sessions";
  if (rate === 0) return "no budget is used";
  const left = days / rate;
  if (rate < 0.1) return "almost no budget is used";
  if (left >= 2) return `a full budget would last ${count(Math.floor(left))} days`;
  const hours = Math.floor(left * 24);
  return hours < 1 ? "a full budget would last less than an hour" : `a full budget would last ${hours === 1 ? "1 hour" : `${hours} hours`}`;
}

const refreshMilliseconds = 30_000;

export function budgetPanel(world) {
  const value = h("b", {});
  const words = h("span", { class: "change" });
  const fill = h("span", { class: "bar-fill" });
  const bar = h("div", { class: "bar is-wide", role: "img" }, fill);
  const facts = h("dl", { class: "facts" });
  const rates = h("tbody", {});
  const chart = lineChart({
    label: "Remaining budget by day", height: 210, isFromZero: false, ceiling: 1, tick: (left) => share(left).replace(".0%", "%"),
  });
  const alarm = h("p", { class: "alarm", role: "status" });
  const element = panel("Error budget", " ", h("div", { class: "budget" }, h("div", {}, value, words, bar), alarm), h("div", { class: "halves" },
    h("div", {}, facts, scrollFrame("Burn rates", h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "In the last"), h("th", { scope: "col", class: "number" }, "Burn rate"), h("th", { scope: "col" }, "At this rate"))), rates))),
    chart.element));
  const note = element.querySelector(".note");
  element.hidden = true;
  const isNew = changes();
  let last = { project: "", time: 0, isThere: false };

  function show({ objective, hint, total, bad, allowed, left, burnRates, pairs, series }) {
    const what = measures[objective.measure];
    setText(note, [`${objectiveText(objective)}, all environments`, hint].filter(Boolean).join(". "));
    setText(value, share(left));
    setText(words, left == null ? `no ${what} in this window` : left < 0 ? "overspent: more are bad than allowed" : "of the budget remains");
    value.dataset.state = left == null ? "" : left < 0 ? "bad" : "good";
    fill.style.width = `${Math.max(0, Math.min(1, left ?? 0)) * 100}%`;
    bar.setAttribute("aria-label", `Remaining budget: ${share(left)}`);
    const burning = pairs.filter(({ burns }) => burns);
    setText(alarm, burning.length === 0 ? "" : `Burning: the burn rate of the last ${windowNames[burning[0].long]} is ${factor(rateOf(burnRates, burning[0].long))}, and the last ${windowNames[burning[0].short]} burned too.`);
    const fact = (name, text, under) => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, text), h("span", { class: "change" }, under)));
    facts.replaceChildren(
      fact("Allowed", count(Math.floor(allowed)), `of ${count(total)} ${what}`),
      fact(objective.bad === "crashed" ? "Crashed" : "Crashed or unhandled", count(bad), left == null ? "" : `${share(1 - left)} of the budget`));
    rates.replaceChildren(...["1h", "6h", "1d", "3d"].map((window) => {
      const rate = rateOf(burnRates, window);
      const pair = burning.find(({ long }) => long === window);
      return h("tr", {}, h("th", { scope: "row" }, windowNames[window]),
        h("td", { class: "number" }, factor(rate), pair && h("span", { class: "verdict", "data-verdict": "worse" }, "burns")),
        h("td", {}, lasting(rate, objective.days)));
    }));
    chart.update({ times: series.days.map((text) => new Date(text)), series: [{ name: "Remaining", values: series.left, text: (at) => share(series.left[at]) }] },
      `${share(left)} now`);
  }

  return {
    element,
    async update(place, { signal } = {}) {
      const [project, ...others] = world.selected(place);
      if (!project || others.length) {
        element.hidden = true;
        return;
      }
      // The budget changes slowly, so it is not queried in every round.
      if (project.id !== last.project || Date.now() - last.time >= refreshMilliseconds) {
        const { data } = await get(`projects/${world.organization}/${project.slug}/budget/`, {}, { signal });
        last = { project: project.id, time: Date.now(), isThere: data.objective !== null };
        if (last.isThere && isNew(data)) show(data);
      }
      element.hidden = !last.isThere;
    },
  };
}

const rateOf = (rates, window) => rates.find((one) => one.window === window)?.rate;
