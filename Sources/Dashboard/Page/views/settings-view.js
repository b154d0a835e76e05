// Projects with their keys, tokens, and notification channels. A token of scope read shows them; one of scope admin
// changes them.

import { change, get } from "../lib/api.js";
import { channelsPanel } from "../panels/channels-panel.js";
import { freshID, h, scrollFrame, setAttribute, setText } from "../lib/dom.js";
import { dateText, utcText } from "../lib/format.js";
import { objectiveForm } from "../panels/objective-form.js";
import { badNames } from "../lib/statuses.js";
import { copyButton } from "./setup-view.js";

const platforms = [
  "android", "apple-ios", "flutter", "react-native", "unity", "electron", "native", "dotnet", "javascript", "node", "python", "java", "go", "ruby", "php",
];

export function settingsView(world) {
  const note = h("p", { class: "note" });
  const error = h("p", { class: "error", role: "alert" });
  const perform = (work) => world.perform(work, error);
  const fresh = h("div", { class: "fresh", role: "status" });
  const projects = h("div", { class: "cards" });
  const tokens = h("tbody", {});
  const newProject = form("New project", [
    field("Name", { name: "name", required: true, maxlength: 50, autocomplete: "off" }),
    field("Platform", { name: "platform", list: "platforms", autocomplete: "off", placeholder: "android, python, …" }),
  ], "Create project", async ({ name, platform }) => {
    await change("POST", `organizations/${world.organization}/projects/`, { name, platform: platform || null });
  });
  const newToken = form("New token", [
    field("Name", { name: "name", required: true, maxlength: 64, autocomplete: "off" }),
    h("label", {}, h("span", {}, "Scope"), h("select", { name: "scope" }, h("option", { value: "read" }, "read"), h("option", { value: "admin" }, "admin: read and change"))),
  ], "Create token", async (values) => {
    const { name, token } = await change("POST", `organizations/${world.organization}/org-auth-tokens/`, values);
    fresh.replaceChildren(h("p", {}, `The token ${name}. It is shown only once: Hale stores a hash.`),
      h("div", { class: "dsn" }, h("code", {}, token), copyButton(() => token, "Copy token")));
  });
  const channels = channelsPanel(world, { perform, form, field, endButton });
  const element = h("div", { class: "view settings" },
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, "Settings"), note), error,
    h("section", { class: "panel", "aria-label": "Projects" }, h("header", {}, h("h2", {}, "Projects and keys")), projects, newProject,
      h("datalist", { id: "platforms" }, platforms.map((name) => h("option", { value: name })))),
    h("section", { class: "panel", "aria-label": "Tokens" }, h("header", {}, h("h2", {}, "Tokens"),
      h("p", { class: "note" }, "For the dashboard and for clients of the API")), fresh,
    scrollFrame("Tokens", h("table", { class: "plain" }, h("thead", {}, h("tr", {},
      ["Name", "Scope", "Created"].map((name) => h("th", { scope: "col" }, name)), h("td", {}))), tokens)), newToken),
    channels.element);
  // Hidden until the scope of the token is known.
  newProject.hidden = newToken.hidden = true;
  let isAdmin = false, written = "";

  function form(title, fields, action, work) {
    const id = freshID("form");
    const button = h("button", { type: "submit" }, action);
    const element = h("form", {
      class: "inline", "aria-labelledby": id,
      async onsubmit(event) {
        event.preventDefault();
        button.disabled = true;
        await perform(async () => {
          await work(Object.fromEntries(new FormData(element)));
          element.reset();
        });
        button.disabled = false;
      },
    }, h("h3", { id }, title), ...fields, button);
    return element;
  }

  /** A button that deletes or revokes at the second press. */
  function endButton(label, name, work) {
    let isSure = false;
    const button = h("button", {
      type: "button", class: "quiet danger", "aria-label": `${label} ${name}`, async onclick() {
        if (!isSure) {
          isSure = true;
          setText(button, "Sure?");
          setAttribute(button, "aria-label", `${label} ${name}: press again to confirm`);
          return;
        }
        await perform(work);
      },
      onblur() {
        isSure = false;
        setText(button, label);
        setAttribute(button, "aria-label", `${label} ${name}`);
      },
    }, label);
    return button;
  }

  function showProject(project, keys, [objective]) {
    const path = `projects/${world.organization}/${project.slug}/keys/`;
    return h("article", { class: "card", "aria-label": project.slug },
      h("h3", {}, project.slug, h("span", { class: "under" }, [project.platform, `number ${project.id}`, `bad: ${badNames[project.bad]}${project.badIsDefault ? " (default)" : ""}`, project.hasSessions ? null : "no sessions yet"].filter(Boolean).join(" · "))),
      h("ul", { class: "keys" }, keys.map((key) => h("li", { class: key.isActive ? null : "is-revoked" },
        h("code", {}, key.dsn.public),
        key.isActive ? copyButton(() => key.dsn.public, "Copy DSN") : h("span", { class: "under" }, "revoked"),
        isAdmin && key.isActive && endButton("Revoke", `key ${key.name}`, () => change("DELETE", `${path}${key.id}/`))))),
      isAdmin && h("button", { type: "button", class: "quiet", onclick: () => perform(() => change("POST", path)) }, "Add a key"),
      isAdmin && badSelect(project),
      objectiveForm(world, project, objective, isAdmin, perform));
  }

  /** What makes a session bad for the gate, the objective and verdicts. */
  function badSelect(project) {
    const options = [["default", "as usual on its platform"], ...Object.entries(badNames)];
    const chosen = project.badIsDefault ? "default" : project.bad;
    return h("label", {}, h("span", {}, "Bad sessions are"), h("select", {
      name: "bad", "aria-label": `Bad sessions of ${project.slug}`,
      onchange: ({ target }) => perform(async () => {
        await change("PUT", `projects/${world.organization}/${project.slug}/`, { bad: target.value });
      }),
    }, options.map(([value, text]) => h("option", { value, selected: value === chosen }, text))));
  }

  function showToken(token) {
    const created = new Date(token.dateCreated);
    return h("tr", { class: token.isActive ? null : "is-revoked" },
      h("th", { scope: "row" }, token.name, token.isCurrent && h("span", { class: "under" }, "current sign-in")),
      h("td", {}, token.scope),
      h("td", {}, h("time", { datetime: token.dateCreated, title: utcText(created) }, dateText(created))),
      h("td", { class: "number" }, token.isActive
        ? isAdmin && endButton("Revoke", `token ${token.name}`, () => change("DELETE", `organizations/${world.organization}/org-auth-tokens/${token.id}/`))
        : h("span", { class: "under" }, "revoked")));
  }

  return {
    element,
    title: () => "Settings",
    async update(_, options) {
      const ofProjects = (what) => Promise.all(world.projects.map(({ slug }) => get(`projects/${world.organization}/${slug}/${what}/`, {}, options)));
      const [who, notices, tokenList, keyLists, objectives] = await Promise.all([
        get("", {}, options), channels.read(options), get(`organizations/${world.organization}/org-auth-tokens/`, {}, options),
        ofProjects("keys"), ofProjects("objectives"),
      ]);
      isAdmin = who.data.auth.scopes.includes("org:admin");
      setText(note, isAdmin ? "" : "This token has scope read: sign in with a token of scope admin to make changes.");
      newProject.hidden = newToken.hidden = !isAdmin;
      // Redraws only after a change, so that nothing moves under the pointer or loses focus.
      const text = JSON.stringify([isAdmin, notices, world.projects, tokenList.data, [...keyLists, ...objectives].map(({ data }) => data)]);
      if (text === written) return;
      written = text;
      projects.replaceChildren(...world.projects.map((project, at) => showProject(project, keyLists[at].data, objectives[at].data)));
      tokens.replaceChildren(...tokenList.data.map(showToken));
      channels.show(notices, isAdmin);
    },
  };
}

const field = (label, attributes) => h("label", {}, h("span", {}, label), h("input", attributes));
