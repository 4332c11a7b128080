import type { EventFollower } from './eventFollower.js';
import type { LogSignals } from './logSignals.js';

/** What tells within this process that something was committed. */
interface Signals {
  readonly events: EventFollower;
  readonly logs: LogSignals;
}

/**
 * The same signals, held back until a transaction around all of it is through: who is woken before looks, finds
 * nothing, and sleeps on.
 */
export function holdSignals({ events, logs }: Signals): Signals & { letGo(): void } {
  const held: (() => void)[] = [];
  return {
    events: {
      subscribe: (subscription) => events.subscribe(subscription),
      poke: (workFor) => {
        held.push(() => events.poke(workFor));
      },
      close: () => events.close(),
    },
    logs: {
      tell: (attemptId) => {
        held.push(() => logs.tell(attemptId));
      },
      listen: (attemptId, listener) => logs.listen(attemptId, listener),
    },
    letGo() {
      for (const tell of held) tell();
    },
  };
}
