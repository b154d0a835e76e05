// The table of releases. Updates write only changed cells, and keep the order of the rows while the
// pointer or the focus is in the table.

import { h, scrollFrame, setAttribute, setText } from "../lib/dom.js";
import { ageText, count, dateText, fraction, NONE, percent, points, shortVersion, utcText } from "../lib/format.js";
import { isMobile } from "../lib/platforms.js";
import { sparkline } from "../charts/sparkline.js";
import { address } from "../lib/state.js";
import { badOf } from "../lib/statuses.js";

/** The columns with their sort order; `key` is in the address, `users` is the title while users are displayed. */
export const columns = [
  { key: "version", name: "Release", order: (row) => row.rank },
  { key: "adoption", name: "Adoption 24 h", isNumber: true, order: (row) => row.share },
  { key: "crashFreeSessions", name: "Crash-free sessions", isNumber: true, order: (row) => free(row.entry.health.sessions) },
  { key: "crashFreeUsers", name: "Crash-free users", isNumber: true, order: (row) => free(row.entry.health.users) },
  { key: "count24h", name: "Sessions 24 h", users: "Users 24 h", isNumber: true, order: (row) => row.recent },
  { key: "crashes", name: "Crashes", users: "Crashed users", isNumber: true, order: (row) => row.entry.health[row.display].crashed },
  { key: "firstSeen", name: "First seen", isNumber: true, order: (row) => row.entry.first },
  { key: "lastSeen", name: "Last seen", isNumber: true, order: (row) => row.entry.last },
];

const columnOf = (key) => columns.find((column) => column.key === key);

export const columnTitle = (column, display) => (display === "users" && column.users) || column.name;

const free = (counts) => (counts.total ? (counts.total - counts.crashed) / counts.total : null);

const stages = { adopted: "Adopted", low_adoption: "Low Adoption", replaced: "Replaced" };

export function releaseTable(world, choose) {
  const headings = columns.map((column) => {
    const button = h("button", { type: "button", onclick: () => choose(nextSort(column.key)) });
    return { column, button, cell: h("th", { scope: "col", role: "columnheader", class: column.isNumber ? "number" : null }, button) };
  });
  const body = h("tbody", { role: "rowgroup" });
  const table = h("table", { class: "releases", role: "table", "aria-label": "Releases" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, headings.map(({ cell }) => cell))), body);
  const element = scrollFrame("Releases", table);
  const rows = new Map();
  let place, isWaiting = false, shownQuery = "";

  const nextSort = (key) => (place.sort === `-${key}` ? key : `-${key}`);

  function showHeadings() {
    for (const { column, button, cell } of headings) {
      setText(button, columnTitle(column, place.display));
      const isSorted = place.sort.replace("-", "") === column.key;
      setAttribute(cell, "aria-sort", isSorted ? (place.sort.startsWith("-") ? "descending" : "ascending") : null);
    }
  }

  /** Whether the user is in the table with the pointer or the focus. */
  const isBusy = () => body.matches(":hover") || body.contains(document.activeElement);

  function arrange() {
    isWaiting = false;
    const key = place.sort.replace("-", "");
    const column = columnOf(key) ?? columnOf("firstSeen");
    const sign = place.sort.startsWith("-") ? -1 : 1;
    const sorted = [...rows.values()].sort((left, right) => {
      const [one, two] = [column.order(left), column.order(right)];
      // Rows without a value are last in both directions.
      if (one == null || two == null) return (one == null) - (two == null) || left.rank - right.rank;
      return (one < two ? -1 : one > two ? 1 : 0) * sign || right.entry.first - left.entry.first || right.rank - left.rank;
    });
    sorted.forEach((row, at) => {
      if (body.children[at] !== row.element) body.insertBefore(row.element, body.children[at] ?? null);
    });
  }

  const arrangeIfIdle = () => isWaiting && !isBusy() && arrange();
  body.addEventListener("pointerleave", () => queueMicrotask(arrangeIfIdle));
  body.addEventListener("focusout", () => setTimeout(arrangeIfIdle));

  return {
    element,
    get isEmpty() { return rows.size === 0; },
    /** Applies the sort order of the address before the answer arrives. */
    show(fresh) {
      const isSorted = place && place.sort !== fresh.sort;
      place = fresh;
      showHeadings();
      if (isSorted) arrange();
    },
    update(entries, fresh) {
      place = fresh;
      showHeadings();
      // A new query redraws the table; an update of the same query must not move rows.
      const query = JSON.stringify({ ...place, sort: "" });
      const isNewQuery = query !== shownQuery;
      shownQuery = query;
      const kept = new Set();
      for (const raw of entries) {
        const entry = readEntry(raw);
        kept.add(entry.key);
        let row = rows.get(entry.key);
        if (!row) rows.set(entry.key, (row = tableRow(world)));
        row.update(entry, place);
      }
      for (const [key, row] of rows) {
        if (kept.has(key)) continue;
        row.element.remove();
        rows.delete(key);
      }
      if (isNewQuery || !isBusy()) arrange();
      else isWaiting = true;
    },
  };
}

/** Reads the members that the table needs, with times as dates. */
function readEntry(entry) {
  const [project] = entry.projects;
  const health = project?.healthData;
  const none = { total: 0, crashed: 0 };
  const date = (text) => (text ? new Date(text) : null);
  const first = date(health?.firstSession);
  const created = date(entry.dateCreated);
  return {
    key: `${project?.slug}/${entry.version}`, version: entry.version, short: shortVersion(entry),
    package: entry.versionInfo?.package, project, stage: entry.adoptionStages?.[project?.slug]?.stage,
    rank: health?.versionRank ?? 0,
    // A release that was created over the API is older than its first session.
    first: first && first < created ? first : created, last: date(health?.lastSession),
    health: {
      sessions: health?.sessions ?? none, users: health?.users ?? none, previous: health?.previous,
      failureFree: { sessions: health?.failureFreeSessions, users: health?.failureFreeUsers },
      day: { sessions: health?.totalSessions24h ?? 0, users: health?.totalUsers24h ?? 0 },
      whole: { sessions: health?.totalProjectSessions24h ?? 0, users: health?.totalProjectUsers24h ?? 0 },
      series: (health?.stats?.["24h"] ?? []).map(([, value]) => value),
    },
  };
}

function tableRow(world) {
  const link = h("a", { class: "version", "data-nav": true });
  const under = h("span", { class: "under" });
  const stage = h("span", { class: "stage", hidden: true });
  const bar = h("span", { class: "bar-fill" });
  const share = h("span", {});
  const sessions = rateCell();
  const users = rateCell();
  const spark = sparkline();
  const recent = h("span", {});
  const crashes = h("span", {});
  const first = h("time", {});
  const last = h("time", {});
  const cell = (label, css, ...content) => h("td", { class: css, role: "cell", "data-label": label }, ...content);
  const counted = cell("", "number count", spark.element, recent);
  const crashed = cell("", "number", crashes);
  const element = h("tr", { role: "row" },
    h("th", { scope: "row", role: "rowheader" }, link, stage, under),
    cell("Adoption 24 h", "number adoption", h("span", { class: "bar", "aria-hidden": "true" }, bar), share),
    cell("Crash-free sessions", "number", ...sessions.elements), cell("Crash-free users", "number", ...users.elements),
    counted, crashed, cell("First seen", "number when", first), cell("Last seen", "number when", last));
  const row = {
    element,
    update(entry, place) {
      const { display } = place;
      const { health } = entry;
      const [part, whole] = [health.day[display], health.whole[display]];
      Object.assign(row, { entry, rank: entry.rank, display, share: whole ? part / whole : null, recent: part });
      setText(link, entry.short);
      setAttribute(link, "title", entry.version);
      setAttribute(link, "href", address({ ...place, view: "release", version: entry.version, project: entry.project?.slug ?? "" }));
      setText(under, [...new Set([entry.package, !place.project && world.projects.length > 1 && entry.project?.slug])].filter(Boolean).join(" · "));
      const hasStage = place.environment && isMobile(entry.project?.platform) && entry.stage;
      stage.hidden = !hasStage;
      if (hasStage) {
        setText(stage, stages[entry.stage] ?? entry.stage);
        setAttribute(stage, "data-stage", entry.stage);
      }
      setText(share, part ? percent(part, whole, 1) : NONE);
      bar.style.width = `${whole ? (part / whole) * 100 : 0}%`;
      const bad = badOf(world.projects.filter(({ slug }) => slug === entry.project?.slug));
      sessions.update(health, "sessions", bad);
      users.update(health, "users", bad);
      spark.update(health.series);
      setText(recent, count(part));
      setAttribute(counted, "data-label", columnTitle(columnOf("count24h"), display));
      setAttribute(crashed, "data-label", columnTitle(columnOf("crashes"), display));
      setText(crashes, health[display].total ? count(health[display].crashed) : NONE);
      crashed.classList.toggle("is-none", !health[display].crashed);
      showTime(first, entry.first, dateText);
      showTime(last, entry.last, ageText);
      element.classList.toggle("is-quiet", health.sessions.total === 0);
    },
  };
  return row;
}

function showTime(element, date, write) {
  setText(element, date ? write(date) : NONE);
  setAttribute(element, "datetime", date?.toISOString());
  setAttribute(element, "title", date && utcText(date));
}

/** A crash-free rate with its difference to the previous release, and below it the failure-free rate where that is another. */
function rateCell() {
  const rate = h("span", { class: "rate" });
  const change = h("span", { class: "change" });
  const failureRate = h("span", { title: "Without crashes and unhandled errors" });
  const failureChange = h("span", { class: "change" });
  const failure = h("div", { class: "under", hidden: true }, failureRate, " ", failureChange);
  return {
    elements: [h("span", { class: "rated" }, rate, change), failure],
    /** The change is that of the rate that the project goes by. */
    update({ previous, failureFree, ...health }, kind, bad) {
      const counts = health[kind];
      setText(rate, percent(counts.total - counts.crashed, counts.total));
      const hasFailures = health.sessions.unhandled || (bad !== "crashed" && previous?.sessions.unhandled);
      failure.hidden = !hasFailures || failureFree[kind] == null;
      if (!failure.hidden) setText(failureRate, `failure-free ${fraction(failureFree[kind] / 100)}`);
      const isOfFailures = !failure.hidden && bad !== "crashed";
      showChange(change, counts, isOfFailures ? null : previous?.[kind], previous?.version);
      const before = previous?.[kind === "users" ? "failureFreeUsers" : "failureFreeSessions"];
      showChange(failureChange, failing(counts, (failureFree[kind] ?? 100) / 100),
        isOfFailures && previous ? failing(previous[kind], before == null ? null : before / 100) : null, previous?.version);
    },
  };
}

/** Counts in which those without a failure are left: crashed ones are all others. Without a rate they are the same as crash-free. */
export const failing = (counts, rate) => (rate == null ? counts : { ...counts, crashed: Math.round(counts.total * (1 - rate)) });

/** Shows the difference of two crash-free rates; nothing if either has no sessions. */
export function showChange(element, counts, before, version) {
  const [now, then] = [free(counts), before ? free(before) : null];
  if (now === null || then === null) {
    setText(element, "");
    element.removeAttribute("title");
    element.removeAttribute("data-direction");
    return;
  }
  const { text, direction } = points(now - then);
  setText(element, text);
  setAttribute(element, "data-direction", direction);
  setAttribute(element, "title", `${text} percentage points against ${version}: ${percent(before.total - before.crashed, before.total)}`);
}
