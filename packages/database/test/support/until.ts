import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `condition` gives something truthy, which it returns; fails after ten seconds, naming what. */
export async function until<T>(what: string, condition: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (performance.now() > deadline) throw new Error(`Waited ten seconds in vain: ${what}`);
    await delay(10);
  }
}
