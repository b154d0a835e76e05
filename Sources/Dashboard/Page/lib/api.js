// The client of the JSON API. It caches answers with their entity tags: until something changes, the
// service answers 304 without a query of the store.

class ApiError extends Error {
  /** - Parameter fields: the errors of single fields of a form: {name: reasons}. */
  constructor(status, detail, fields) {
    super(detail);
    this.status = status;
    this.fields = fields;
  }
}

const answers = new Map();
const answersMax = 100;

/** - Returns: {data, next, unknown}: the answer, the cursor of the next page if there is one, and what the request names and nothing has. */
export async function get(path, parameters = {}, { signal } = {}) {
  const url = new URL(`api/0/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== "" && one != null) url.searchParams.append(name, one);
  }
  const known = answers.get(url.href);
  const response = await send(url, {
    headers: known ? { "If-None-Match": known.tag } : {}, signal,
  });
  if (response.status === 304) return known.answer;
  const answer = { data: await response.json(), next: nextCursor(response.headers.get("Link")), unknown: unknownText(response.headers.get("Hale-Unknown")) };
  const tag = response.headers.get("ETag");
  answers.delete(url.href);
  if (tag) answers.set(url.href, { tag, answer });
  if (answers.size > answersMax) answers.delete(answers.keys().next().value);
  return answer;
}

/**
 * Makes a function that answers whether any of its arguments changed since the last call. An unchanged answer of
 * the API is the same object, so that a view can skip drawing, and keeps focus and selection.
 */
export function changes() {
  let last = [];
  return (...answers) => {
    const isNew = answers.some((answer, at) => answer !== last[at]);
    last = answers;
    return isNew;
  };
}

/** Reads a list page by page: each as `get` answers it. */
export async function* pages(path, parameters, options) {
  for (let cursor = ""; cursor !== undefined;) {
    const page = await get(path, { ...parameters, per_page: 50, cursor }, options);
    yield page;
    cursor = page.next;
  }
}

/** Sends a change, with a JSON body if there is one. */
export async function change(method, path, body) {
  const response = await send(new URL(`api/0/${path}`, document.baseURI), {
    method, body: body === undefined ? undefined : JSON.stringify(body),
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
  });
  return response.status === 204 ? null : response.json();
}

export async function signIn(token) {
  await send(new URL("sign-in/", document.baseURI), {
    method: "POST", body: new URLSearchParams({ token }),
  });
  answers.clear();
}

export async function signOut() {
  await send(new URL("sign-out/", document.baseURI), { method: "POST" });
  answers.clear();
}

async function send(url, options) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Hale cannot be reached.");
  }
  if (response.ok || response.status === 304) return response;
  let fields;
  let detail = `Hale answered ${response.status}.`;
  try {
    const answer = await response.json();
    // Errors of single fields are under their names.
    if (answer.detail === undefined) fields = answer;
    detail = answer.detail ?? (Object.entries(answer).map(([name, reasons]) => `${name}: ${[reasons].flat().join(" ")}`).join(" ") || detail);
  } catch {
    // The answer of a proxy is not JSON.
  }
  // 429 with this header is a wrong token, too: one of many from this address.
  const isUnauthorized = response.status === 429 && response.headers.has("WWW-Authenticate");
  throw new ApiError(isUnauthorized ? 401 : response.status, detail, fields);
}

/** The sentence for the first unknown environment, as in `environment=prod; near="production"`. */
function unknownText(header) {
  const [, name, near] = /^environment=([^;,]*)(?:; near="([^"]*)")?/.exec(header ?? "") ?? [];
  if (name === undefined) return "";
  const names = (near ?? "").split(" ").filter(Boolean).map((one) => `“${decodeURIComponent(one)}”`);
  return `There is no environment “${decodeURIComponent(name)}”${names.length ? `; near: ${names.join(", ")}` : ""}.`;
}

function nextCursor(link) {
  const next = (link ?? "").split(",").find((part) => part.includes('rel="next"'));
  return next?.includes('results="true"') ? /cursor="([^"]*)"/.exec(next)?.[1] : undefined;
}
