import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;

/** Whether the server at `url` says that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    // Not up yet, or not a server of ours.
    return false;
  }
}

/** Polls until it is ready; false after `limitMs`, or as soon as `hopeless` says so. */
export async function waitUntilReady(
  url: string,
  limitMs: number,
  hopeless: () => boolean,
): Promise<boolean> {
  const until = performance.now() + limitMs;
  while (performance.now() < until && !hopeless()) {
    if (await isReady(url)) return true;
    await sleep(POLL_MS);
  }
  return false;
}
