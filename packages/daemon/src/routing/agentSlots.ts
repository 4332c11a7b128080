/** How many of each agent run on this daemon. */
export interface AgentSlots {
  isFree(agent: string, limit: number | undefined): boolean;
  running(agent: string): number;
  /** The answer gives it back; once. */
  take(agent: string): () => void;
  /** Resolves when one was given back, at the latest after that time; rejects with the signal's reason. */
  untilFreed(signal: AbortSignal, waitMs: number): Promise<void>;
}

export function createAgentSlots(): AgentSlots {
  const counts = new Map<string, number>();
  const waiting = new Set<() => void>();
  const running = (agent: string) => counts.get(agent) ?? 0;
  return {
    isFree: (agent, limit) => limit === undefined || running(agent) < limit,
    running,
    take(agent) {
      counts.set(agent, running(agent) + 1);
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        counts.set(agent, running(agent) - 1);
        for (const wake of [...waiting]) wake();
      };
    },
    async untilFreed(signal, waitMs) {
      signal.throwIfAborted();
      await new Promise<void>((resolve, reject) => {
        const end = () => {
          waiting.delete(wake);
          clearTimeout(timer);
          signal.removeEventListener('abort', abort);
        };
        const wake = () => {
          end();
          resolve();
        };
        const abort = () => {
          end();
          reject(signal.reason as Error);
        };
        const timer = setTimeout(wake, waitMs);
        waiting.add(wake);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
  };
}
