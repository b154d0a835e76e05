// All releases with their adoption and health.

import { pages } from "../lib/api.js";
import { adoptionPanel } from "../panels/adoption-panel.js";
import { budgetPanel } from "../panels/budget-panel.js";
import { h, setText } from "../lib/dom.js";
import { plural } from "../lib/format.js";
import { commonPickers, picker } from "../lib/pickers.js";
import { columns, columnTitle, releaseTable } from "../panels/release-table.js";
import { setupView } from "./setup-view.js";
import { go, intervals, lastList } from "../lib/state.js";

/** The maximum number of listed releases; a search finds the others. */
const releasesMax = 1000;

export function releasesView(world) {
  let place;
  const pickers = commonPickers({ hasDisplay: true });
  const search = h("input", {
    type: "search", placeholder: "Search releases", "aria-label": "Search releases", autocomplete: "off", spellcheck: "false",
    "aria-describedby": "search-hint",
    oninput: () => {
      clearTimeout(typing);
      // Does nothing if the user has left the view meanwhile.
      typing = setTimeout(() => element.isConnected && go({ ...place, query: search.value.trim() }, { replaces: true }), 250);
    },
  });
  const searching = h("div", { class: "search" }, search);
  let typing, unknownText = "";
  const hint = h("p", { class: "hint error", id: "search-hint", role: "alert", hidden: true });
  const order = picker("Sort by", (value) => go({ ...place, sort: value }, { replaces: true }));
  order.element.classList.add("only-narrow");
  const summary = h("p", { class: "note", role: "status" });
  const chart = adoptionPanel(world);
  const budget = budgetPanel(world);
  const table = releaseTable(world, (sort) => go({ ...place, sort }, { replaces: true }));
  const setup = setupView(world);
  const empty = h("div", { class: "empty", hidden: true });
  const list = h("div", { class: "list" }, chart.element, table.element, empty, budget.element);
  const element = h("div", { class: "view" },
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, "Releases"), summary),
    h("div", { class: "toolbar", role: "search" }, ...pickers.elements, order.element, searching, hint),
    setup.element, list);

  async function load(signal) {
    const parameters = {
      project: place.project, environment: place.environment, query: place.query, health: 1, overview: 1,
      flatten: 1, adoptionStages: 1, summaryStatsPeriod: place.statsPeriod, healthStatsPeriod: "24h",
      // The interval is that of a release's page, so that both show the same numbers.
      summaryInterval: intervals[place.statsPeriod],
      healthStat: place.display,
    };
    const entries = [];
    for await (const { data, unknown } of pages(`organizations/${world.organization}/releases/`, parameters, { signal })) {
      unknownText = unknown;
      entries.push(...data);
      // Shows the first page at once.
      if (table.isEmpty) table.update(entries, place);
      if (entries.length >= releasesMax) break;
    }
    return entries;
  }

  return {
    element,
    title: () => "Releases",
    async update(fresh, { signal } = {}) {
      place = lastList.place = fresh;
      pickers.update(place, world);
      order.update(columns.flatMap((column) => {
        const title = columnTitle(column, place.display);
        return [[`-${column.key}`, `${title}, descending`], [column.key, `${title}, ascending`]];
      }), place.sort);
      if (document.activeElement !== search) search.value = place.query;
      const selected = world.selected(place);
      const isUnknown = world.projects.length > 0 && selected.length === 0;
      const isFresh = !isUnknown && !selected.some(({ hasSessions }) => hasSessions);
      setup.element.hidden = !isFresh;
      list.hidden = searching.hidden = order.element.hidden = isFresh;
      if (isFresh) {
        setText(summary, "");
        return setup.update(selected, { signal });
      }
      table.show(place);
      if (isUnknown) {
        setText(summary, "");
        chart.element.hidden = true;
        return showEmpty([]);
      }
      try {
        const [entries] = await Promise.all([load(signal), chart.update(place, { signal }), budget.update(place, { signal })]);
        hint.hidden = true;
        table.update(entries, place);
        setText(summary, entries.length < releasesMax ? plural(entries.length, "release") : `The newest ${plural(entries.length, "release")}: search to find the others`);
        showEmpty(entries);
      } catch (error) {
        if (error.status !== 400 || !place.query) throw error;
        setText(hint, error.message);
        hint.hidden = false;
        if (table.isEmpty) showEmpty([]);
      }
    },
  };

  function showEmpty(entries) {
    table.element.hidden = entries.length === 0;
    empty.hidden = entries.length > 0;
    if (entries.length) return;
    const isCut = place.query || place.environment || place.project;
    const isKnown = world.selected(place).length > 0;
    empty.replaceChildren(
      h("h2", {}, "No releases found"),
      h("p", {}, !isKnown ? `There is no project “${place.project}”.` : unknownText ? unknownText : place.query ? `No release matches “${place.query}”.` : "No session has reported a release."),
      isCut ? h("button", { type: "button", onclick: () => go({ ...place, query: "", environment: "", project: "" }) }, "Show all releases") : "");
  }
}
