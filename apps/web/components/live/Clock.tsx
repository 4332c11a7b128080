'use client';

import { createContext, type ReactNode, useContext, useSyncExternalStore } from 'react';
import { subscribeToClock, tickedNow } from '@/lib/clock';

const ServerNow = createContext(0);

/** Gives the time at which the server rendered, so that the first paint in the browser says the same. */
export function ClockProvider({ now, children }: { now: number; children: ReactNode }) {
  return <ServerNow value={now}>{children}</ServerNow>;
}

/** The server's time in milliseconds, in steps of so many seconds; the component is drawn again at each step. */
export function useNow(stepSeconds = 1): number {
  const rendered = useContext(ServerNow);
  const step = stepSeconds * 1_000;
  const floor = (time: number) => Math.floor(time / step) * step;
  return useSyncExternalStore(
    subscribeToClock,
    () => floor(tickedNow()),
    () => floor(rendered),
  );
}
