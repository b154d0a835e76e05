// When a rule would have alarmed in the past, in words and as a table.

import { levelMark } from "../lib/alert-words.js";
import { h, scrollFrame } from "../lib/dom.js";
import { count, dateText, dayAndClock, duration, utcText } from "../lib/format.js";

/** - Parameter text: writes a value of the rule. */
export function backTestTable({ transitions, minutes, basis, start, end, knownFrom }, text) {
  const fired = transitions.filter(({ from }) => from === "ok").length;
  const alarmed = (minutes.warning + minutes.critical) * 60_000;
  const times = fired === 1 ? "once" : `${count(fired)} times`;
  const words = fired === 0 ? "It would not have alarmed" : `It would have alarmed ${times}, for ${duration(alarmed)} in all`;
  const known = knownFrom && Date.parse(knownFrom) > Date.parse(start) ? ` What arrived before ${dayAndClock(new Date(knownFrom))} is not known.` : "";
  const method = basis === "arrivals"
    ? "By what had arrived at each time, in steps of ten minutes and over whole hours of start." : "By what a rule that asks the same found each minute.";
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
