// The server's clock decides leases and due times; a laptop that is minutes off would show nonsense beside them.
const TOLERANCE_MS = 3_000;

let offsetMs = 0;
let current = 0;
let timer: ReturnType<typeof setInterval> | null = null;
const listeners = new Set<() => void>();

/** Takes the time that an answer's `Date` header tells; whole seconds, so small differences are left alone. */
export function learnServerTime(header: string | null, sentAt: number, receivedAt: number): void {
  const told = header === null ? Number.NaN : Date.parse(header);
  if (Number.isNaN(told)) return;
  const difference = told + 500 - (sentAt + receivedAt) / 2;
  offsetMs = Math.abs(difference) > TOLERANCE_MS ? difference : 0;
}

/** The server's time in milliseconds, as well as this browser knows it. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}

/** Calls the listener every second while there is one; returns the way to stop. */
export function subscribeToClock(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    current = serverNow();
    for (const each of listeners) each();
  }, 1_000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
      current = 0;
    }
  };
}

/** The time of the last tick: stable between ticks, as React's external stores must be. */
export function tickedNow(): number {
  if (current === 0) current = serverNow();
  return current;
}
