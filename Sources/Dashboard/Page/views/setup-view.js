// Setup instructions, until the first session arrives and the table of releases takes their place.

import { get } from "../lib/api.js";
import { h, setAttribute, setText } from "../lib/dom.js";
import { snippetOf, snippets } from "../lib/snippets.js";

/** The DSN of a project, from its first active key. */
async function dsnOf(world, project, options) {
  const { data } = await get(`projects/${world.organization}/${project.slug}/keys/`, {}, options);
  return data.find(({ isActive }) => isActive)?.dsn.public ?? null;
}

export function setupView(world) {
  let dsn = null, chosen = null, project = null;
  const title = h("h2", {});
  const value = h("code", {});
  const help = h("p", { class: "note" });
  const code = h("code", {});
  const block = h("pre", {}, code);
  const tabs = snippets.map(({ name }) => h("button", { type: "button", onclick: () => choose(name) }, name));
  const line = h("div", { class: "dsn" }, h("span", {}, "DSN"), value, copyButton(() => dsn, "Copy DSN"));
  const lead = h("p", {}, "Configure a Sentry SDK with this DSN and a release. The releases appear here with the first session.");
  const steps = [lead, line, h("div", { class: "tabs", role: "group", "aria-label": "Platform" }, tabs),
    h("div", { class: "snippet" }, block, copyButton(() => code.textContent, "Copy code")),
    h("p", { class: "waiting" }, h("span", { class: "pulse", "aria-hidden": "true" }), "Waiting for the first session")];
  const element = h("section", { class: "setup", hidden: true, "aria-label": "Set up" },
    title, lead, line, help, ...steps.slice(2));

  function choose(name) {
    chosen = name;
    for (const tab of tabs) setAttribute(tab, "aria-pressed", String(tab.textContent === name));
    setText(code, snippets.find((one) => one.name === name).code(dsn ?? "https://KEY@hale.example.com/1"));
  }

  return {
    element,
    async update([first], options) {
      for (const step of steps) step.hidden = !first;
      if (!first) {
        setText(title, "No project yet");
        setText(help, "Create one under Settings, or with: hale project create NAME");
        help.hidden = false;
        return;
      }
      setText(title, `${first.slug} has no sessions yet`);
      try {
        dsn = await dsnOf(world, first, options);
        setText(help, dsn ? "" : "The project has no active key: create one under Settings, or with: hale key create " + first.slug);
      } catch (error) {
        if (error.status !== 403 && error.status !== 404) throw error;
        setText(help, "Hale printed the DSN at its first start; `hale project list` prints it again.");
      }
      line.hidden = !dsn;
      help.hidden = !help.textContent;
      setText(value, dsn ?? "");
      if (project !== first.slug) chosen = null;
      project = first.slug;
      choose(chosen ?? snippetOf(first.platform));
    },
  };
}

export function copyButton(text, label) {
  const button = h("button", {
    type: "button", class: "quiet", async onclick() {
      try {
        await navigator.clipboard.writeText(text());
        setText(button, "Copied");
      } catch {
        // Browsers deny the clipboard to pages without TLS on other machines.
        setText(button, "Select and copy");
      }
      setTimeout(() => setText(button, label), 2000);
    },
  }, label);
  return button;
}
