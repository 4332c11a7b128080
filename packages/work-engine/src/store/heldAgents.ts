import type { HeldAgent } from '@neolith/contracts';
import type { Pool } from 'pg';
import { listBreakerRows } from './breakers.js';

/** The agents whose breaker isn't closed, as they stood at most a second ago; a permit says for certain. */
export interface HeldAgents {
  /** Of a workspace; null: of all. */
  read(workspaceId: string | null): Promise<HeldAgent[]>;
  /** Something has changed that this process did. */
  forget(): void;
}

/** Every claim asks for them, so the database is asked once a second however many claims there are. */
const FRESH_MS = 1_000;
const WORKSPACES_MAX = 1_000;

export function createHeldAgents(pool: Pool): HeldAgents {
  const known = new Map<string, { readonly readMs: number; readonly agents: Promise<HeldAgent[]> }>();
  return {
    read(workspaceId) {
      const key = workspaceId ?? '';
      const before = known.get(key);
      const nowMs = performance.now();
      if (before !== undefined && nowMs - before.readMs < FRESH_MS) return before.agents;
      const agents = listBreakerRows(pool, workspaceId, { onlyNotClosed: true }).then((rows) =>
        rows.map((row) => ({ agent: row.agent, provider: row.provider, openUntil: row.open_until })),
      );
      const entry = { readMs: nowMs, agents };
      if (known.size >= WORKSPACES_MAX) known.clear();
      known.set(key, entry);
      // A failure isn't kept for the next one to fail by.
      agents.catch(() => {
        if (known.get(key) === entry) known.delete(key);
      });
      return agents;
    },
    forget: () => known.clear(),
  };
}
