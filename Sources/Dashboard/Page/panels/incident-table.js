// Incidents: from when until when a rule alarmed, and how bad it was.

import { levelMark, valueText } from "../lib/alert-words.js";
import { h, scrollFrame } from "../lib/dom.js";
import { dayAndClock, duration, utcText } from "../lib/format.js";
import { address } from "../lib/state.js";

const time = (text) => h("time", { datetime: text, title: utcText(new Date(text)) }, dayAndClock(new Date(text)));

/** - Parameter hasRules: each is shown with its rule, which leads to it. */
export function incidentTable({ hasRules }) {
  const body = h("tbody", {});
  const heads = ["Opened", hasRules && "Rule", "Now", "Worst", "Lasted"].filter(Boolean);
  return {
    element: scrollFrame("Incidents", h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col", class: "number" }, "Last value"))), body)),
    /** - Parameter unitOf: the unit of the rule with an id. */
    show(incidents, unitOf) {
      body.replaceChildren(...incidents.map((one) => h("tr", {},
        h("th", { scope: "row" }, time(one.dateStarted)),
        hasRules && h("td", {}, h("a", { href: address({ view: "alert", id: one.alertRuleId }), "data-nav": true }, one.title)),
        h("td", {}, one.dateClosed ? levelMark("ok", "Over") : levelMark(one.level)), h("td", {}, levelMark(one.highestLevel)),
        h("td", {}, one.dateClosed ? duration(Date.parse(one.dateClosed) - Date.parse(one.dateStarted)) : "still open"),
        h("td", { class: "number" }, valueText(one.value, unitOf(one.alertRuleId))))));
    },
  };
}
