// What the page shows is in its address: a link shows somebody else the same, and back goes back.

export const periods = ["24h", "48h", "7d", "14d", "30d", "90d"];
export const periodNames = {
  "24h": "Last 24 hours", "48h": "Last 48 hours", "7d": "Last 7 days", "14d": "Last 14 days",
  "30d": "Last 30 days", "90d": "Last 90 days",
};

/** The length of a point of the charts: each period has some dozens of them. */
export const intervals = { "24h": "1h", "48h": "2h", "7d": "6h", "14d": "12h", "30d": "1d", "90d": "1d" };

/** How far back the page of an alert rule goes, and the length of its points. */
export const ranges = { "6h": "1m", "24h": "5m", "7d": "30m" };

const defaults = {
  project: "", environment: "", statsPeriod: "14d", display: "sessions", sort: "-firstSeen",
  query: "", base: "", align: "time", range: "24h",
};
const choices = {
  statsPeriod: periods, display: ["sessions", "users"], align: ["time", "age"], range: Object.keys(ranges),
};

const basePath = new URL(document.baseURI).pathname;

/** The view and its parameters that an address stands for. */
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

/** What each view has in its address. */
const kept = {
  releases: ["project", "environment", "statsPeriod", "display", "sort", "query"],
  release: ["project", "environment", "statsPeriod", "display", "base", "align"],
  alerts: ["project"],
  alert: ["range"],
  settings: [],
  signIn: ["next"],
};

/** The list of releases as it was looked at last: a way back keeps its order and search. */
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

/** - Parameter listener: is called when the address changed, by a link, the page or the browser. */
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

/** Goes to a view. With `replaces`, back does not lead to the one before. */
export function go(place, { replaces = false } = {}) {
  const url = new URL(address(place), document.baseURI);
  if (url.href === location.href) return;
  history[replaces ? "replaceState" : "pushState"](null, "", url);
  whenMoved(read());
}
