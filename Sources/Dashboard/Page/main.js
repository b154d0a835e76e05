// Draws the view that the address names, and keeps it up to date.

import { alertView } from "./views/alert-view.js";
import { alertsView, isAlarming } from "./views/alerts-view.js";
import { get, pages, signOut } from "./lib/api.js";
import { h, setAttribute, setText } from "./lib/dom.js";
import { keepLive } from "./lib/live.js";
import { releaseView } from "./views/release-view.js";
import { releasesView } from "./views/releases-view.js";
import { settingsView } from "./views/settings-view.js";
import { signInView } from "./views/sign-in-view.js";
import { address, go, read, start } from "./lib/state.js";
import { patterns } from "./lib/statuses.js";

const views = {
  releases: releasesView, release: releaseView, alerts: alertsView, alert: alertView, settings: settingsView, signIn: signInView,
};
/** Where the navigation stands in a view that is deeper. */
const parents = { release: "releases", alert: "alerts" };
const content = document.querySelector("main");
const banner = document.querySelector(".banner");
const navigation = document.querySelector("nav");
const badge = navigation.querySelector(".badge");
const signOutButton = document.querySelector(".sign-out");

/** What every view needs to know. */
const world = {
  organization: "",
  projects: [],
  /** The projects that the address selects. */
  selected: ({ project }) =>
    world.projects.filter(({ slug, id }) => !project || slug === project || id === project),
  /** Goes on to where the way led before the sign-in. */
  enter() {
    const target = new URL(read().next || ".", document.baseURI);
    const isOwn = target.href.startsWith(document.baseURI);
    history.replaceState(null, "", isOwn ? target : document.baseURI);
    show();
  },
  refresh: () => refresh(),
  /** Has something changed, and shows what is there then; what is wrong with it in the element given. */
  async perform(work, error) {
    setText(error, "");
    try {
      await work();
    } catch (problem) {
      if (problem.status === undefined || problem.status === 401) throw problem;
      setText(error, problem.message);
    }
    await refresh();
  },
};

let current = null, shownKind = "", request = null;

async function loadWorld(signal) {
  const projects = [];
  for await (const page of pages("projects/", {}, { signal })) projects.push(...page);
  world.projects = projects;
  world.organization = projects[0]?.organization?.slug ?? (await get("organizations/", {}, { signal })).data[0].slug;
}

/** Draws what the address says. */
async function show() {
  request?.abort();
  const mine = (request = new AbortController());
  const place = read();
  const kind = place.view + place.version + place.id;
  const isNew = shownKind !== kind;
  if (isNew) {
    shownKind = kind;
    current = views[place.view](world);
    content.replaceChildren(current.element);
  }
  const isSignedIn = place.view !== "signIn";
  navigation.hidden = signOutButton.hidden = !isSignedIn;
  for (const link of navigation.querySelectorAll("a")) {
    const isHere = link.dataset.view === (parents[place.view] ?? place.view);
    setAttribute(link, "aria-current", isHere ? "page" : null);
  }
  current.element.setAttribute("aria-busy", "true");
  await update(place, mine.signal);
  if (mine.signal.aborted) return;
  current.element.removeAttribute("aria-busy");
  document.title = current.title() === "Releases" ? "Hale" : `${current.title()} · Hale`;
  if (isNew && wasMoved) (current.focus ?? (() => content.querySelector("h1")?.focus()))();
  if (isNew && place.view === "signIn") current.focus();
}

let wasMoved = false;

/** - Returns: whether it went well. */
async function update(place, signal) {
  try {
    if (place.view !== "signIn") await loadWorld(signal);
    await current.update(place, { signal });
    if (place.view !== "signIn") await showAlarms(signal);
    banner.hidden = true;
    return true;
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return true;
    return fail(error, place);
  }
}

/** How many rules alarm, whatever is looked at. */
async function showAlarms(signal) {
  const { data } = await get(`organizations/${world.organization}/alert-rules/`, { per_page: 100 }, { signal });
  const alarms = data.filter(isAlarming).length;
  badge.hidden = !alarms;
  setText(badge, String(alarms));
  setAttribute(badge, "aria-label", `${alarms} of them ${alarms === 1 ? "alarms" : "alarm"}`);
}

function fail(error, place) {
  if (error.status === 401) {
    go({ view: "signIn", next: address(place) }, { replaces: true });
    return true;
  }
  if (error.status === undefined) console.error(error);
  const text = error.status === undefined
    ? "This page met an error of its own."
    : `${error.message}${error.status === 0 ? " What is shown may be old." : ""}`;
  banner.replaceChildren(text, " ", h("button", { type: "button", onclick: () => refresh() }, "Try again"));
  banner.hidden = false;
  return false;
}

async function refresh() {
  const place = read();
  if (place.view === "signIn" || current?.element.hasAttribute("aria-busy")) return true;
  request = new AbortController();
  return update(place, request.signal);
}

signOutButton.addEventListener("click", async () => {
  try {
    await signOut();
    go({ view: "signIn", next: "" });
  } catch (error) {
    fail(error, read());
  }
});

document.body.append(patterns());
start(() => {
  wasMoved = true;
  show();
});
show();
keepLive(refresh);
