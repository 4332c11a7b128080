import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `condition` gives something truthy, which it returns; fails after a minute, naming what. */
export async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = performance.now() + 60_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`Waited a minute in vain: ${what}`);
    await delay(10);
  }
}
