// Shows the view that the address names, and keeps it up to date.

import { alertView } from "./views/alert-view.js";
import { alertsView, isFiring } from "./views/alerts-view.js";
import { get, pages, signOut } from "./lib/api.js";
import { h, setAttribute, setText, visible } from "./lib/dom.js";
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
/** The entry of the navigation for views below it. */
const parents = { release: "releases", alert: "alerts" };
const content = document.querySelector("main");
const banner = document.querySelector(".banner");
const navigation = document.querySelector("nav");
const badge = navigation.querySelector(".badge");
const signOutButton = document.querySelector(".sign-out");

/** The state that all views share. */
const world = {
  organization: "",
  projects: [],
  /** The projects that the address selects. */
  selected: ({ project }) =>
    world.projects.filter(({ slug, id }) => !project || slug === project || id === project),
  /** Continues to the view that was requested before the sign-in. */
  enter() {
    const target = new URL(read().next || ".", document.baseURI);
    const isOwn = target.href.startsWith(document.baseURI);
    history.replaceState(null, "", isOwn ? target : document.baseURI);
    show();
  },
  refresh: () => refresh(),
  /** Makes a change and updates the view; an error is shown in the given element. */
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
  for await (const { data } of pages("projects/", {}, { signal })) projects.push(...data);
  world.projects = projects;
  world.organization = projects[0]?.organization?.slug ?? (await get("organizations/", {}, { signal })).data[0].slug;
}

/** Shows the view of the address. */
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
  document.title = current.title() === "Releases" ? "Hale" : `${visible(current.title())} · Hale`;
  if (isNew && wasMoved) (current.focus ?? (() => content.querySelector("h1")?.focus()))();
  if (isNew && place.view === "signIn") current.focus();
}

let wasMoved = false;

/** - Returns: whether the update succeeded. */
async function update(place, signal) {
  try {
    if (place.view !== "signIn") await loadWorld(signal);
    await current.update(place, { signal });
    if (place.view !== "signIn") await showFiring(signal);
    banner.hidden = true;
    return true;
  } catch (error) {
    if (error.name === "AbortError" || signal.aborted) return true;
    return fail(error, place);
  }
}

/** Shows the number of firing rules in the navigation. */
async function showFiring(signal) {
  const { data } = await get(`organizations/${world.organization}/alert-rules/`, { per_page: 100 }, { signal });
  const firing = data.filter(isFiring).length;
  badge.hidden = !firing;
  setText(badge, String(firing));
  setAttribute(badge, "aria-label", `${firing} firing`);
}

function fail(error, place) {
  if (error.status === 401) {
    go({ view: "signIn", next: address(place) }, { replaces: true });
    return true;
  }
  if (error.status === undefined) console.error(error);
  const text = error.status === undefined
    ? "The page has an internal error."
    : `${error.message}${error.status === 0 ? " The data shown may be out of date." : ""}`;
  banner.replaceChildren(visible(text), " ", h("button", { type: "button", onclick: () => refresh() }, "Try again"));
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
