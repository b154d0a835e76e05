// Creates elements. Text is never parsed as HTML; styles are set by classes or the CSSOM, as the
// page's Content-Security-Policy requires.

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
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** null and false remove the attribute. */
export function setAttribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value === true ? "" : value);
  }
}

/** Changes the page only if the text differs, so that a selection survives. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
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
