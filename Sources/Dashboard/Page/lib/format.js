// Numbers and times as text. Rounding never gives 0 or 100 %: 99.996 % is not 100 %, and one in a
// million is not 0.

const grouped = new Intl.NumberFormat("en");

export const count = (value) => grouped.format(value);

export const plural = (value, one, many = one + "s") =>
  `${count(value)} ${value === 1 ? one : many}`;

/** The text of a missing value, such as a share of nothing. */
export const NONE = "–";

/**
 * The share of part in whole in percent, cut off after enough digits that 100 and 0 appear only if
 * exact: 24,999 of 25,000 is 99.996%. It uses whole numbers, without floating point errors.
 */
export function percent(part, whole, digits = 2) {
  if (!whole) return NONE;
  if (part === 0) return "0%";
  if (part === whole) return "100%";
  const [numerator, denominator] = [BigInt(part), BigInt(whole)];
  for (; ; digits++) {
    const unit = 10n ** BigInt(digits);
    const product = numerator * 100n * unit;
    const scaled = product / denominator;
    // Only zeros or nines need more digits, unless they are exact: 99.99 may be 99.999999.
    const isVague = (scaled === 0n || scaled === 100n * unit - 1n) && product % denominator !== 0n;
    if (!isVague || digits === 9) return decimal(scaled, digits) + "%";
  }
}

function decimal(scaled, digits) {
  const text = String(scaled).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

/** A share of the API, a fraction of 1, for charts and estimates. */
export function fraction(value, digits = 2) {
  if (value == null) return NONE;
  // Uses six more digits than it shows, so that floating point errors do not show.
  const whole = 10 ** (digits + 8);
  const part = Math.round(value * whole);
  if (value > 0 && part === 0) return `<${decimal(1n, digits + 6)}%`;
  if (value < 1 && part === whole) return percent(whole - 1, whole, digits);
  return percent(part, whole, digits);
}

/** A share on an axis, with as many digits as the step between ticks. */
export function axisPercent(value, step) {
  const isWhole = (size) => Math.abs(size - Math.round(size)) < 1e-6;
  let digits = 0;
  while (digits < 9 && !isWhole(step * 10 ** (digits + 2))) digits++;
  return `${(value * 100).toFixed(digits)}%`;
}

/** A difference of shares in percentage points: {text, direction} with -1, 0 or 1. */
export function points(difference) {
  const direction = Math.sign(difference);
  if (direction === 0) return { text: "±0", direction };
  const size = Math.abs(difference) * 100;
  let digits = 2;
  while (digits < 9 && size < 0.5 * 10 ** -digits) digits++;
  return { text: (direction > 0 ? "+" : "−") + size.toFixed(digits), direction };
}

/** Milliseconds in a suitable unit. */
export function duration(milliseconds) {
  if (milliseconds == null) return NONE;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = (value, unit) => (value ? ` ${value} ${unit}` : "");
  if (minutes < 60) return `${minutes} min${rest(Math.floor(seconds % 60), "s")}`;
  return `${Math.floor(minutes / 60)} h${rest(minutes % 60, "min")}`;
}

// Times are shown in the local time zone, and in UTC as the tooltip. Days of series are days in UTC.

const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const utcDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

export const dayText = (date) => day.format(date);
/** A day of a series, which is a day in UTC wherever it is seen from. */
export const utcDayText = (date) => utcDay.format(date);
export const clockText = (date) => clock.format(date);
export const dayAndClock = (date) => `${day.format(date)}, ${clock.format(date)}`;
export const utcText = (date) => `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** The day, with the year if it is not the current one. */
export const dateText = (date, now = new Date()) =>
  (date.getFullYear() === now.getFullYear() ? day : dayOfYear).format(date);

/** How long ago a time was. */
export function ageText(date, now = new Date()) {
  const hours = Math.floor((now - date) / 3_600_000);
  if (hours < 1) return "this hour";
  if (hours < 48) return `${hours} h ago`;
  const days = Math.floor(hours / 24);
  return days < 60 ? `${days} d ago` : `${Math.floor(days / 30)} mo ago`;
}

/** A release without its package. */
export const withoutPackage = (version) => version.slice(version.lastIndexOf("@") + 1);

/** The short name of a release. */
export function shortVersion(entry) {
  return entry.versionInfo?.description || entry.version;
}
