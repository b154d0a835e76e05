// Updates a view periodically while the page is visible. Most rounds get 304 only.

const roundMilliseconds = 5000;
const slowMilliseconds = 20_000;

/** - Parameter round: updates the view; rounds never overlap, and after a failure the next one waits longer. */
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
