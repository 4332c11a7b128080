/** Says within this process that an attempt's log has grown; other processes find out by looking. */
export interface LogSignals {
  tell(attemptId: string): void;
  /** Returns the way to stop. */
  listen(attemptId: string, listener: () => void): () => void;
}

export function createLogSignals(): LogSignals {
  const listeners = new Map<string, Set<() => void>>();
  return {
    tell(attemptId) {
      for (const listener of listeners.get(attemptId) ?? []) listener();
    },
    listen(attemptId, listener) {
      const own = listeners.get(attemptId) ?? new Set();
      listeners.set(attemptId, own);
      own.add(listener);
      return () => {
        own.delete(listener);
        if (own.size === 0 && listeners.get(attemptId) === own) listeners.delete(attemptId);
      };
    },
  };
}
