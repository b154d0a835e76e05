// Makes elements. Text goes in as text, never as HTML; styles through classes or the CSSOM, as the
// page's Content-Security-Policy wants it.

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

/** null and false take the attribute away. */
export function setAttribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value === true ? "" : value);
  }
}

/** Touches the page only where something changed, so that a selection of text survives. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Holds a table that may be wider than its place: the keyboard reaches it while it is. */
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
