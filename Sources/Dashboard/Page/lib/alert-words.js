// What the pages about alert rules have in common: levels, values and what a rule can watch.

import { h } from "./dom.js";
import { axisPercent, count, fraction, NONE } from "./format.js";

/** What a rule can watch: its name in the API, in words, and whether more of it is worse. */
export const measures = [
  ["crash_free_rate(session)", "Crash-free sessions", false],
  ["crash_free_rate(user)", "Crash-free users", false],
  ["crash_rate(session)", "Crashed sessions", true],
  ["crash_rate(user)", "Users with a crash", true],
  ["errored_rate(session)", "Errored sessions", true],
  ["errored_rate(user)", "Users with an errored session", true],
  ["unhandled_rate(session)", "Unhandled sessions", true],
  ["unhandled_rate(user)", "Users with an unhandled session", true],
  ["abnormal_rate(session)", "Abnormal sessions", true],
  ["abnormal_rate(user)", "Users with an abnormal session", true],
  ["unhealthy_rate(session)", "Sessions that were not healthy", true],
  ["anr_rate()", "Users whose application did not respond", true],
  ["foreground_anr_rate()", "Users whose application did not respond in the foreground", true],
  ["sum(session)", "Number of sessions", false],
  ["count_unique(user)", "Number of users", false],
];

/** Sentry's names of the first two, which the API answers with. */
export const measureOf = ({ aggregate }) =>
  aggregate.startsWith("percentage(sessions_crashed") ? measures[0][0]
    : aggregate.startsWith("percentage(users_crashed") ? measures[1][0] : aggregate;

const levelNames = { ok: "OK", warning: "Warning", critical: "Critical" };

/** A level, told by its word and its sign as by its colour. */
export const levelMark = (level, text = levelNames[level]) => h("span", { class: "level", "data-level": level }, text);

/** The level of a rule; one that was not evaluated, or had nothing to look at, has none. */
export function stateMark({ state: { level, evaluated, value, sessions }, minSessions }) {
  if (level !== "ok") return levelMark(level);
  if (!evaluated) return levelMark("none", "Not evaluated yet");
  if (value != null) return levelMark("ok");
  return levelMark("none", sessions > 0 && sessions < minSessions ? `Too few sessions: ${count(sessions)} of ${count(minSessions)}` : "No data");
}

const unitText = { "%": "%", points: " points", "": "" };

/** A value of a rule with its unit, never rounded into what it is not. */
export function valueText(value, unit) {
  if (value == null) return NONE;
  if (unit === "") return count(value);
  const size = fraction(Math.abs(value) / 100).replace("%", unitText[unit]);
  return value < 0 ? `−${size}` : size;
}

/** A threshold as it was given. */
export const thresholdText = (value, unit) => `${unit === "" ? count(value) : String(value).replace("-", "−")}${unitText[unit]}`;

/** A value on an axis. */
export const axisText = (unit) => (value, step) =>
  unit === "%" ? axisPercent(value / 100, step / 100)
    : unit === "" ? (Number.isInteger(value) ? count(value) : "") : String(Number(value.toFixed(6))).replace("-", "−");

export const sideText = ({ thresholdType }) => (thresholdType === 0 ? "above" : "below");

const trigger = (rule, label) => rule.triggers.find((one) => one.label === label);

/** The thresholds of a rule, the worst first: {value, level, text}. */
export function thresholdsOf(rule) {
  const side = sideText(rule);
  const found = ["critical", "warning"].flatMap((level) => {
    const one = trigger(rule, level);
    return one ? [{ value: one.alertThreshold, level, text: `${levelNames[level]} ${side} ${thresholdText(one.alertThreshold, rule.unit)}` }] : [];
  });
  if (rule.resolveThreshold != null) {
    found.push({ value: rule.resolveThreshold, level: "resolve", text: `Resolved at ${thresholdText(rule.resolveThreshold, rule.unit)}` });
  }
  return found;
}

/** Who is told of a rule: the names of its channels, with the level where they are told of one alone. */
export function channelsOf(rule) {
  const told = new Map();
  for (const { label, actions } of rule.triggers) {
    const own = actions.map(({ channel }) => channel);
    for (const name of own.length ? own : rule.channels) told.set(name, [...(told.get(name) ?? []), label]);
  }
  return [...told].map(([name, levels]) => (levels.length < rule.triggers.length ? `${name} (${levels[0]})` : name));
}

/**
 * Whether a rule watches the crash-free rate of a release as a page shows it.
 *
 * - Parameter shown: {version, environment, projects}: with slugs.
 */
export function watches(rule, { version, environment, projects }) {
  if (rule.comparison || ![measures[0][0], measures[1][0]].includes(measureOf(rule))) return false;
  // One over several projects is about other sessions than those of a release.
  if (rule.projects.length !== 1 || !projects.includes(rule.projects[0])) return false;
  if (rule.environment != null && environment && rule.environment !== environment) return false;
  const { release } = rule;
  if (!release || release === "latest") return true;
  const pattern = release.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`, "i").test(version);
}
