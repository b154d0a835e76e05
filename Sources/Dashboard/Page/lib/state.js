// The address contains the state of the page: links show the same view, and the back button works.

export const periods = ["24h", "48h", "7d", "14d", "30d", "90d"];
export const periodNames = {
  "24h": "Last 24 hours", "48h": "Last 48 hours", "7d": "Last 7 days", "14d": "Last 14 days",
  "30d": "Last 30 days", "90d": "Last 90 days",
};

/** The interval of the charts: each period has some dozens of points. */
export const intervals = { "24h": "1h", "48h": "2h", "7d": "6h", "14d": "12h", "30d": "1d", "90d": "1d" };

/** The ranges of the page of an alert rule, with their intervals. */
export const ranges = { "6h": "1m", "24h": "5m", "7d": "30m" };

const defaults = {
  project: "", environment: "", statsPeriod: "14d", display: "sessions", sort: "-firstSeen",
  query: "", base: "", align: "time", range: "24h",
};
const choices = {
  statsPeriod: periods, display: ["sessions", "users"], align: ["time", "age"], range: Object.keys(ranges),
};

const basePath = new URL(document.baseURI).pathname;

/** The view of an address, with its parameters. */
export function read(url = new URL(location.href)) {
  const place = { view: "releases", version: "", id: "" };
  const path = url.pathname.startsWith(basePath) ? url.pathname.slice(basePath.length) : url.pathname.slice(1);
  const parts = path.split("/").filter(Boolean);
  if (parts[0] === "releases" && parts[1]) {
    place.view = "release";
    place.version = decode(parts[1]);
  } else if (parts[0] === "alerts") {
    place.view = parts[1] ? "alert" : "alerts";
    place.id = decode(parts[1] ?? "");
  } else if (parts[0] === "settings") {
    place.view = "settings";
  } else if (parts[0] === "sign-in") {
    place.view = "signIn";
  }
  for (const [name, fallback] of Object.entries(defaults)) {
    const value = url.searchParams.get(name);
    const isGood = value !== null && (choices[name]?.includes(value) ?? true);
    place[name] = isGood ? value : fallback;
  }
  place.next = url.searchParams.get("next") ?? "";
  return place;
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The parameters in the address of each view. */
const kept = {
  releases: ["project", "environment", "statsPeriod", "display", "sort", "query"],
  release: ["project", "environment", "statsPeriod", "display", "base", "align"],
  alerts: ["project"],
  alert: ["range"],
  settings: [],
  signIn: ["next"],
};

/** The last state of the list of releases, so that the way back keeps its order and search. */
export const lastList = { place: {} };

/** The address of a view, relative to the base of the page. */
export function address(place) {
  const path = {
    releases: "", release: `releases/${encodeURIComponent(place.version)}/`, settings: "settings/",
    signIn: "sign-in/", alerts: "alerts/", alert: `alerts/${encodeURIComponent(place.id)}/`,
  }[place.view];
  const query = new URLSearchParams();
  for (const name of kept[place.view]) {
    if (place[name] && place[name] !== defaults[name]) query.set(name, place[name]);
  }
  const text = query.toString();
  return (path || ".") + (text ? `?${text}` : "");
}

let whenMoved = () => {};

/** - Parameter listener: called when a link, the page or the browser changes the address. */
export function start(listener) {
  whenMoved = listener;
  addEventListener("popstate", () => listener(read()));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-nav]");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain) return;
    event.preventDefault();
    history.pushState(null, "", link.href);
    scrollTo(0, 0);
    listener(read());
  });
}

/** Goes to a view. With `replaces` it replaces the current one in the history. */
export function go(place, { replaces = false } = {}) {
  const url = new URL(address(place), document.baseURI);
  if (url.href === location.href) return;
  history[replaces ? "replaceState" : "pushState"](null, "", url);
  whenMoved(read());
}
