import type { Pool, QueryConfig } from 'pg';

/** A named statement that went through a pool: when it was sent, and when it was answered. */
export interface Sent {
  name: string;
  at: number;
  /** Null while it is under way. */
  answeredAt: number | null;
}

/** The very same pool, which also notes what named statements are sent through it, in order. */
export function watchPool(pool: Pool): { pool: Pool; sent: Sent[] } {
  const sent: Sent[] = [];
  const query = (config: QueryConfig, ...more: []): Promise<unknown> => {
    const noted: Sent = { name: config.name ?? '', at: performance.now(), answeredAt: null };
    sent.push(noted);
    return pool.query(config, ...more).finally(() => {
      noted.answeredAt = performance.now();
    });
  };
  return {
    sent,
    pool: new Proxy(pool, {
      get(target, property) {
        if (property === 'query') return query;
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    }),
  };
}
