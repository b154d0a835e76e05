// The table of incidents: start, end and worst level of each.

import { levelMark, valueText } from "../lib/alert-words.js";
import { h, scrollFrame } from "../lib/dom.js";
import { dayAndClock, duration, utcText } from "../lib/format.js";
import { address } from "../lib/state.js";

const time = (text) => h("time", { datetime: text, title: utcText(new Date(text)) }, dayAndClock(new Date(text)));

/** - Parameter hasRules: whether each incident has a link to its rule. */
export function incidentTable({ hasRules }) {
  const body = h("tbody", {});
  const heads = ["Opened", hasRules && "Rule", "Now", "Worst", "Lasted"].filter(Boolean);
  return {
    element: scrollFrame("Incidents", h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)), h("th", { scope: "col", class: "number" }, "Last value"))), body)),
    /** - Parameter unitOf: answers the unit of a rule by its id. */
    show(incidents, unitOf) {
      body.replaceChildren(...incidents.map((one) => h("tr", {},
        h("th", { scope: "row" }, time(one.dateStarted)),
        hasRules && h("td", {}, h("a", { href: address({ view: "alert", id: one.alertRuleId }), "data-nav": true }, one.title)),
        h("td", {}, one.dateClosed ? levelMark("ok", "Resolved") : levelMark(one.level)), h("td", {}, levelMark(one.highestLevel)),
        h("td", {}, one.dateClosed ? duration(Date.parse(one.dateClosed) - Date.parse(one.dateStarted)) : "still open"),
        h("td", { class: "number" }, valueText(one.value, unitOf(one.alertRuleId))))));
    },
  };
}
