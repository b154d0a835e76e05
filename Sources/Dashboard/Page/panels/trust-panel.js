// The data quality of a release: what was reported late, twice or not at all.

import { changes, get } from "../lib/api.js";
import { panel } from "../charts/chart.js";
import { h, scrollFrame } from "../lib/dom.js";
import { count, NONE, percent } from "../lib/format.js";

export function trustPanel(world) {
  const list = h("dl", { class: "facts" });
  const reasons = h("tbody", {});
  const element = panel("Data quality", "How the sessions of this release were reported, and which items its projects rejected",
    list, scrollFrame("Rejected items", h("table", { class: "plain" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Not counted: reason"), h("th", { scope: "col", class: "number" }, "Items"), h("th", { scope: "col", class: "number" }, "Share"))), reasons)));
  element.classList.add("is-wide");
  const isNew = changes();
  return {
    element,
    async update(place, scope, query, { signal } = {}) {
      const organization = `organizations/${world.organization}`;
      const { environment, ...projects } = scope;
      const [explained, outcomes] = await Promise.all([
        get(`${organization}/sessions/explain/`, { ...scope, query }, { signal }),
        get(`${organization}/outcomes/`, { ...projects, includeSeries: 0 }, { signal }),
      ]);
      if (!isNew(explained.data, outcomes.data)) return;
      const { buckets } = explained.data;
      const sum = (read) => buckets.reduce((all, bucket) => all + read(bucket), 0);
      const all = sum(({ counts }) => counts.total);
      const counted = sum(({ aggregates }) => aggregates.total);
      const single = all - counted;
      const crashed = sum(({ counts }) => counts.crashed);
      const late = (status) => sum(({ late }) => late.reduce((total, { change }) => total + change[status], 0));
      const totals = outcomes.data.groups[0]?.totals;
      list.replaceChildren(
        fact("First reported within their hour", percent(sum(({ prompt }) => prompt.total), single, 1), `of ${count(single)} single sessions`),
        fact("Crashes reported late", percent(late("crashed"), crashed, 1), `${count(late("crashed"))} of ${count(crashed)}, after the hour of their start`),
        fact("Session aggregates", percent(counted, all, 1), "counted by the client, without ids: if sent twice, they count twice"),
        fact("Repeated updates", count(sum(({ repeated }) => repeated)), "counted once"),
        fact("Without init", count(sum(({ withoutInit }) => withoutInit)), "no update with init was received; they count like all others"),
        fact("Arrival unknown", count(sum(({ unlogged }) => unlogged.total)), "the arrival log keeps 30 days"),
        fact("Items received", totals ? count(totals.received) : NONE, totals ? `${count(totals.accepted)} accepted` : ""));
      const byReason = (kind) => [...outcomes.data.outcomes.filter(({ outcome }) => outcome === kind)
        .reduce((table, { reason, quantity }) => table.set(reason, (table.get(reason) ?? 0) + quantity), new Map())]
        .sort((left, right) => right[1] - left[1]);
      const row = (text, quantity, share) => h("tr", {}, h("th", { scope: "row" }, text.replaceAll("_", " ")),
        h("td", { class: "number" }, count(quantity)), h("td", { class: "number" }, share));
      const rows = [
        ...byReason("rejected").map(([reason, quantity]) => row(reason, quantity, percent(quantity, totals?.received))),
        // These never arrived, so they are no share of what did.
        ...byReason("dropped_by_sdk").map(([reason, quantity]) => row(`dropped by the SDK: ${reason}`, quantity, NONE)),
      ];
      reasons.replaceChildren(...(rows.length ? rows : [row("Nothing was rejected", 0, percent(0, totals?.received))]));
    },
  };
}

const fact = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value), h("span", { class: "change" }, note)));
