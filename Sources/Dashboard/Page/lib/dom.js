// Creates elements. Text is never parsed as HTML; styles are set by classes or the CSSOM, as the
// page's Content-Security-Policy requires.

/**
 * A text of others, with control characters, bidirectional controls and marks, separators of lines, and what has no
 * width as escapes: no name can look like another one. Tabs and line breaks stay, which HTML shows as spaces.
 */
export const visible = (text) => typeof text !== "string" ? text : text.replace(
  /[\0-\x08\v\f\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu, (hidden) => {
    const code = hidden.codePointAt(0).toString(16);
    return code.length < 3 ? `\\x${code.padStart(2, "0")}` : `\\u{${code}}`;
  });

/** Attributes that people read; others are addresses and values, which stay as they are. */
const readAttributes = new Set(["title", "aria-label", "aria-valuetext", "placeholder"]);

const SVG = "http://www.w3.org/2000/svg";

export const h = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false).map(visible));
  return element;
}

/** null and false remove the attribute. */
export function setAttribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else {
    const shown = value === true ? "" : readAttributes.has(name) ? visible(value) : value;
    if (element.getAttribute(name) !== String(shown)) element.setAttribute(name, shown);
  }
}

/** Changes the page only if the text differs, so that a selection survives. */
export function setText(element, text) {
  const shown = visible(text);
  if (element.textContent !== shown) element.textContent = shown;
}

/** A scrollable frame of a table; it is focusable while the table is wider. */
export function scrollFrame(label, table) {
  const frame = h("div", { class: "table-frame" }, table);
  new ResizeObserver(() => {
    const isWider = frame.scrollWidth > frame.clientWidth;
    setAttribute(frame, "tabindex", isWider ? 0 : null);
    setAttribute(frame, "role", isWider ? "group" : null);
    setAttribute(frame, "aria-label", isWider ? label : null);
  }).observe(frame);
  return frame;
}

let ids = 0;
export const freshID = (prefix) => `${prefix}-${++ids}`;
