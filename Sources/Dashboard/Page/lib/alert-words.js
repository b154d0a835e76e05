// Texts that the pages about alert rules share: levels, values and measures.

import { h } from "./dom.js";
import { axisPercent, count, fraction, NONE } from "./format.js";

/** The measures of rules: the name in the API, the text, and whether more is worse. */
export const measures = [
  ["crash_free_rate(session)", "Crash-free sessions", false],
  ["crash_free_rate(user)", "Crash-free users", false],
  ["failure_free_rate(session)", "Failure-free sessions", false],
  ["failure_free_rate(user)", "Failure-free users", false],
  ["crash_rate(session)", "Crashed sessions", true],
  ["crash_rate(user)", "Users with a crash", true],
  ["errored_rate(session)", "Errored sessions", true],
  ["errored_rate(user)", "Users with an errored session", true],
  ["unhandled_rate(session)", "Unhandled sessions", true],
  ["unhandled_rate(user)", "Users with an unhandled session", true],
  ["abnormal_rate(session)", "Abnormal sessions", true],
  ["abnormal_rate(user)", "Users with an abnormal session", true],
  ["unhealthy_rate(session)", "Unhealthy sessions", true],
  ["anr_rate()", "Users whose application did not respond", true],
  ["foreground_anr_rate()", "Users whose application did not respond in the foreground", true],
  ["sum(session)", "Number of sessions", false],
  ["count_unique(user)", "Number of users", false],
];

/** The measure of a rule; the API answers the first two by Sentry's names. */
export const measureOf = ({ aggregate }) =>
  aggregate.startsWith("percentage(sessions_crashed") ? measures[0][0]
    : aggregate.startsWith("percentage(users_crashed") ? measures[1][0] : aggregate;

const levelNames = { ok: "OK", warning: "Warning", critical: "Critical" };

/** A level, marked by its name and a sign besides its colour. */
export const levelMark = (level, text = levelNames[level]) => h("span", { class: "level", "data-level": level }, text);

/** The level of a rule, or the reason why it has none. */
export function stateMark({ state: { level, evaluated, value, sessions }, minSessions, comparison }) {
  if (level !== "ok") return levelMark(level);
  if (!evaluated) return levelMark("none", "Not evaluated yet");
  if (value != null) return levelMark("ok");
  if (sessions > 0 && sessions < minSessions) return levelMark("none", `Too few sessions: ${count(sessions)} of ${count(minSessions)}`);
  return levelMark("none", sessions > 0 && comparison ? "Nothing to compare with" : "No data");
}

const unitText = { "%": "%", points: " points", "": "" };

/** A value of a rule with its unit, never rounded to 0 or 100 %. */
export function valueText(value, unit) {
  if (value == null) return NONE;
  if (unit === "") return count(value);
  const size = fraction(Math.abs(value) / 100).replace("%", unitText[unit]);
  return value < 0 ? `−${size}` : size;
}

/** A threshold as it was set. */
export const thresholdText = (value, unit) => `${unit === "" ? count(value) : String(value).replace("-", "−")}${unitText[unit]}`;

/** A value on an axis. */
export const axisText = (unit) => (value, step) =>
  unit === "%" ? axisPercent(value / 100, step / 100)
    : unit === "" ? (Number.isInteger(value) ? count(value) : "") : String(Number(value.toFixed(6))).replace("-", "−");

export const sideText = ({ thresholdType }) => (thresholdType === 0 ? "above" : "below");

const trigger = (rule, label) => rule.triggers.find((one) => one.label === label);

/** The thresholds of a rule, worst first: {value, level, text}. */
export function thresholdsOf(rule) {
  const side = sideText(rule);
  const found = ["critical", "warning"].flatMap((level) => {
    const one = trigger(rule, level);
    return one ? [{ value: one.alertThreshold, level, text: `${levelNames[level]} ${side} ${thresholdText(one.alertThreshold, rule.unit)}` }] : [];
  });
  if (rule.resolveThreshold != null) {
    found.push({ value: rule.resolveThreshold, level: "resolve", text: `Resolves at ${thresholdText(rule.resolveThreshold, rule.unit)}` });
  }
  return found;
}

/** The channels that a rule notifies, with the level if it notifies them of one only. */
export function channelsOf(rule) {
  const notified = new Map();
  for (const { label, actions } of rule.triggers) {
    const own = actions.map(({ channel }) => channel);
    for (const name of own.length ? own : rule.channels) notified.set(name, [...(notified.get(name) ?? []), label]);
  }
  return [...notified].map(([name, levels]) => (levels.length < rule.triggers.length ? `${name} (${levels[0]})` : name));
}

/** Whether the values of a rule are crash-free or failure-free rates, which are best at 100 %. */
export const isFreeRate = (rule) => !rule.comparison && measures.slice(0, 4).some(([name]) => name === measureOf(rule));

/**
 * Whether a rule is about the crash-free or failure-free rate of a release that a page shows.
 *
 * - Parameter shown: {version, environment, projects}: with slugs.
 */
export function watches(rule, { version, environment, projects }) {
  if (!isFreeRate(rule)) return false;
  // A rule over several projects counts other sessions than the page.
  if (rule.projects.length !== 1 || !projects.includes(rule.projects[0])) return false;
  if (rule.environment != null && environment && rule.environment !== environment) return false;
  const { release, state } = rule;
  if (!release) return true;
  if (release === "latest") return state.release === version;
  const pattern = release.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*");
  return new RegExp(`^${pattern}$`, "i").test(version);
}
