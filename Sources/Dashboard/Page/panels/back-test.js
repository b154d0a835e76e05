// The result of a back-test: when a rule would have fired, as a sentence and as a table.

import { levelMark } from "../lib/alert-words.js";
import { h, scrollFrame } from "../lib/dom.js";
import { count, dateText, dayAndClock, duration, utcText } from "../lib/format.js";

/** - Parameter text: formats a value of the rule. */
export function backTestTable({ transitions, minutes, basis, start, end, knownFrom }, text) {
  const fired = transitions.filter(({ from }) => from === "ok").length;
  const firing = (minutes.warning + minutes.critical) * 60_000;
  const times = fired === 1 ? "once" : `${count(fired)} times`;
  const isJudged = minutes.ok + minutes.warning + minutes.critical > minutes.withoutData;
  const words = !isJudged ? "Nothing was judged: there were no data, or too few sessions," : fired === 0 ? "The rule would not have fired" : `The rule would have fired ${times}, for ${duration(firing)} in total`;
  const known = knownFrom && Date.parse(knownFrom) > Date.parse(start) ? ` Sessions that arrived before ${dayAndClock(new Date(knownFrom))} are not in the arrival log.` : "";
  const method = basis === "arrivals"
    ? "From the arrival log, in steps of ten minutes and over whole start hours." : "From the stored evaluations of a rule with the same query.";
  const list = transitions.slice(-50);
  const hasReleases = list.some(({ release }) => release);
  return h("div", { class: "back-test" },
    h("p", {}, h("b", {}, words), ` between ${dateText(new Date(start))} and ${dateText(new Date(end))}.`),
    h("p", { class: "under" }, method + known),
    list.length > 0 && scrollFrame("Back-test", h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "When"), h("th", { scope: "col" }, "Level"),
        ["Value", "Sessions"].map((name) => h("th", { scope: "col", class: "number" }, name)), hasReleases && h("th", { scope: "col" }, "Release"))),
      h("tbody", {}, list.map((one) => h("tr", {},
        h("th", { scope: "row" }, h("time", { datetime: one.time, title: utcText(new Date(one.time)) }, dayAndClock(new Date(one.time)))),
        h("td", {}, levelMark(one.to)), h("td", { class: "number" }, text(one.value)), h("td", { class: "number" }, count(one.sessions)),
        hasReleases && h("td", {}, one.release ?? "")))))));
}
