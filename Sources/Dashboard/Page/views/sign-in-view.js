// The sign-in form: the service sets a cookie with the token, which no script can read.

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
  }, // Password managers need a user name.
  h("input", { name: "username", autocomplete: "username", value: "hale", hidden: true }), h("label", { for: "token" }, "Token"), token, error, button,
  h("p", { class: "note", id: "sign-in-help" }, "Hale printed a token at its first start. ", h("code", {}, "hale token create NAME"), " creates another one."));
  return {
    element: h("div", { class: "view sign-in" }, h("h1", { tabindex: -1 }, "Sign in"), form),
    title: () => "Sign in",
    focus: () => token.focus(),
    async update() {},
  };
}
