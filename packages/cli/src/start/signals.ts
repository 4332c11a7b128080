/** Ctrl-C comes twice where npm passes on what the terminal has sent to everybody already. */
const SAME_SIGNAL_MS = 300;

export interface AskedToEnd {
  /** Resolves with the first signal. */
  readonly once: Promise<NodeJS.Signals>;
  /** Resolves with the second: at once, please. */
  readonly again: Promise<void>;
  isAsked(): boolean;
}

/**
 * Listens for SIGINT, SIGTERM and SIGHUP from here on; they end the process no longer by themselves. SIGHUP comes when
 * the terminal is closed: what was started would live on unseen.
 */
export function listenForEnd(): AskedToEnd {
  let asked = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let tellOnce: (signal: NodeJS.Signals) => void = () => undefined;
  let tellAgain: () => void = () => undefined;
  const once = new Promise<NodeJS.Signals>((resolve) => {
    tellOnce = resolve;
  });
  const again = new Promise<void>((resolve) => {
    tellAgain = resolve;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now();
    const isSame = nowMs - lastMs < SAME_SIGNAL_MS;
    lastMs = nowMs;
    if (isSame) return;
    asked += 1;
    if (asked === 1) tellOnce(signal);
    else tellAgain();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  process.on('SIGHUP', onSignal);
  return { once, again, isAsked: () => asked > 0 };
}
