// The notification channels with a test of each, and the latest notifications.

import { change, get } from "../lib/api.js";
import { h, scrollFrame } from "../lib/dom.js";
import { dayAndClock, utcText } from "../lib/format.js";

const kinds = { webhook: "Webhook", slack: "Slack", discord: "Discord", email: "Mail", command: "Command" };
const statuses = { delivered: "delivered", waiting: "waiting", givenUp: "given up" };

/** - Parameters: perform makes a change, form and endButton create the controls of changes. */
export function channelsPanel(world, { perform, form, field, endButton }) {
  const path = () => `organizations/${world.organization}/notice-channels/`;
  const fresh = h("div", { class: "fresh", role: "status" });
  const channels = h("tbody", {}), notices = h("tbody", {});
  const newChannel = form("New channel", [
    field("Name", { name: "name", required: true, maxlength: 100, autocomplete: "off" }),
    h("label", {}, h("span", {}, "Kind"), h("select", { name: "kind" }, Object.entries(kinds).map(([value, name]) => h("option", { value }, name)))),
    field("URL, mail addresses or program", { name: "target", required: true, autocomplete: "off", placeholder: "https://…" }),
  ], "Create channel", async ({ name, kind, target }) => {
    const place = kind === "email" ? { to: target.split(/[\s,]+/).filter(Boolean) } : kind === "command" ? { command: target } : { url: target };
    const made = await change("POST", path(), { name, kind, ...place });
    fresh.replaceChildren(made.secret ? h("p", {}, `The secret that signs requests to ${name}. It is shown only once: `, h("code", {}, made.secret)) : "");
  });
  const table = (name, heads, body) => scrollFrame(name, h("table", { class: "plain" }, h("thead", {}, h("tr", {},
    heads.map((head) => head ? h("th", { scope: "col" }, head) : h("td", {})))), body));
  const history = h("div", {}, h("h3", {}, "Latest notifications"), table("Latest notifications", ["When", "Channel", "Notification", "Delivery"], notices));
  const element = h("section", { class: "panel", "aria-label": "Notifications" }, h("header", {}, h("h2", {}, "Notifications"),
    h("p", { class: "note" }, "The channels that alert rules notify")), fresh,
  table("Channels", ["Channel", "Kind", "To", "", ""], channels), newChannel, history);

  function testButton(channel) {
    const button = h("button", {
      type: "button", class: "quiet", "aria-label": `Test ${channel.name}`, async onclick() {
        button.disabled = true;
        await perform(async () => {
          const { lastFailure } = await change("POST", `${path()}${channel.id}/test/`);
          fresh.replaceChildren(h("p", {}, lastFailure ? `The test to ${channel.name} was not delivered: ${lastFailure}.` : `The test was delivered to ${channel.name}.`));
        });
        button.disabled = false;
      },
    }, "Test");
    return button;
  }

  const time = (text) => h("time", { datetime: text, title: utcText(new Date(text)) }, dayAndClock(new Date(text)));

  return {
    element,
    async read(options) {
      const [channelList, noticeList] = await Promise.all([
        get(path(), {}, options), get(`organizations/${world.organization}/notices/`, { per_page: 10 }, options)]);
      return [channelList.data, noticeList.data];
    },
    show([channelList, noticeList], isAdmin) {
      newChannel.hidden = !isAdmin;
      history.hidden = !noticeList.length;
      channels.replaceChildren(...channelList.map((channel) => h("tr", {},
        h("th", { scope: "row" }, channel.name), h("td", {}, kinds[channel.kind]),
        h("td", {}, channel.url ?? channel.command ?? (channel.to ?? []).join(", ")),
        h("td", { class: "number" }, isAdmin && testButton(channel)),
        h("td", { class: "number" }, isAdmin && endButton("Delete", `channel ${channel.name}`, () => change("DELETE", `${path()}${channel.id}/`))))));
      notices.replaceChildren(...noticeList.map((notice) => h("tr", {},
        h("th", { scope: "row" }, time(notice.dateCreated)), h("td", {}, notice.channel.name), h("td", {}, notice.title),
        h("td", {}, statuses[notice.status], notice.lastFailure && h("span", { class: "under" }, notice.lastFailure)))));
    },
  };
}
