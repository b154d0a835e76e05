// Keeps a view up to date while somebody may look at it. Most rounds end with answers of 304.

const roundMilliseconds = 5000;
const slowMilliseconds = 20_000;

/** - Parameter round: asks again; rounds never overlap, and a failure makes the next one wait longer. */
export function keepLive(round) {
  let timer, isRunning = false, pause = roundMilliseconds;
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(run, pause);
  };
  async function run() {
    if (isRunning) return;
    isRunning = true;
    try {
      pause = (await round()) ? roundMilliseconds : slowMilliseconds;
    } finally {
      isRunning = false;
      plan();
    }
  }
  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : run()));
  addEventListener("online", run);
  plan();
  return { now: run };
}
