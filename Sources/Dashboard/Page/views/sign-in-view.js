// Asks for a token, which the service keeps in a cookie that no script can read.

import { signIn } from "../lib/api.js";
import { h, setText } from "../lib/dom.js";

export function signInView(world) {
  const token = h("input", {
    type: "password", id: "token", name: "token", autocomplete: "current-password", required: true, spellcheck: "false",
    "aria-describedby": "sign-in-help sign-in-error",
  });
  const error = h("p", { class: "error", id: "sign-in-error", role: "alert" });
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const form = h("form", {
    method: "post", action: "sign-in/",
    async onsubmit(event) {
      event.preventDefault();
      button.disabled = true;
      try {
        await signIn(token.value);
        world.enter();
      } catch (problem) {
        setText(error, problem.message);
        token.focus();
        token.select();
      } finally {
        button.disabled = false;
      }
    },
  }, // Managers of passwords want a name for what they keep.
  h("input", { name: "username", autocomplete: "username", value: "hale", hidden: true }), h("label", { for: "token" }, "Token"), token, error, button,
  h("p", { class: "note", id: "sign-in-help" }, "The first start of Hale printed one. More are made by ", h("code", {}, "hale token create NAME"), "."));
  return {
    element: h("div", { class: "view sign-in" }, h("h1", { tabindex: -1 }, "Sign in"), form),
    title: () => "Sign in",
    focus: () => token.focus(),
    async update() {},
  };
}
