import pg from 'pg';

/** So long one piece of work waits for another of the same transaction; longer, and it waits for itself. */
const TURN_LIMIT_MS = 30_000;

/** What a piece of work says to begin and to end, and what that is within a transaction of somebody else's. */
const WITHIN: Readonly<Record<string, string>> = {
  COMMIT: 'RELEASE SAVEPOINT piece',
  ROLLBACK: 'ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece',
};

function within(text: string): string | null {
  return WITHIN[text] ?? (/^BEGIN\b/.test(text) ? 'SAVEPOINT piece' : null);
}

/**
 * A pool whose connections are all the same open transaction: what takes one, begins, and commits has its say under a
 * savepoint, and what it did stands or falls with the whole. So code that was written for a pool takes part in a
 * transaction without knowing. Pieces of work go one after another, for savepoints nest and can't interleave. An
 * isolation level that a piece asks for is that of the whole.
 *
 * It is used again and again, for one transaction after another, because a Prisma client hangs on it.
 */
export class TransactionPool extends pg.Pool {
  #client: pg.PoolClient | null = null;
  #turn: Promise<void> = Promise.resolve();

  constructor() {
    super({ max: 1 });
  }

  /** Everything from now on is part of this client's transaction. */
  enter(client: pg.PoolClient): void {
    this.#client = client;
    this.#turn = Promise.resolve();
  }

  /** From now on nothing is: whoever still asks is refused. */
  leave(): void {
    this.#client = null;
  }

  #take(): pg.PoolClient {
    if (this.#client === null) throw new Error('This transaction is over: its work was not waited for');
    return this.#client;
  }

  async #wait(): Promise<() => void> {
    const before = this.#turn;
    let release = () => undefined as undefined;
    this.#turn = new Promise((resolve) => {
      release = () => resolve() as undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error('A piece of work of a transaction waits for another that does not end')),
        TURN_LIMIT_MS,
      );
    });
    try {
      await Promise.race([before, late]);
    } catch (error) {
      // Those behind go on waiting for the one in front.
      void before.then(release);
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return release;
  }

  async #connect(): Promise<pg.PoolClient> {
    const release = await this.#wait();
    try {
      return pieceOf(this.#take(), release);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #query(...input: readonly unknown[]): Promise<unknown> {
    const release = await this.#wait();
    try {
      const client = this.#take();
      await client.query('SAVEPOINT piece');
      try {
        const result = await (client.query as (...values: readonly unknown[]) => Promise<unknown>)(...input);
        await client.query('RELEASE SAVEPOINT piece');
        return result;
      } catch (error) {
        await client.query('ROLLBACK TO SAVEPOINT piece; RELEASE SAVEPOINT piece');
        throw error;
      }
    } finally {
      release();
    }
  }

  // Both doors with promises only: nothing of ours hands a callback in.
  override connect = (() => this.#connect()) as pg.Pool['connect'];
  override query = ((...input: readonly unknown[]) => this.#query(...input)) as pg.Pool['query'];
}

/** The client as one piece of work sees it: it begins and ends a savepoint, and gives back its turn, not the connection. */
function pieceOf(client: pg.PoolClient, release: () => void): pg.PoolClient {
  return new Proxy(client, {
    get(target, name) {
      if (name === 'release') return release;
      if (name === 'query') {
        return (query: unknown, ...rest: readonly unknown[]) => {
          const text = typeof query === 'string' ? query : (query as { text?: unknown }).text;
          const instead = typeof text === 'string' ? within(text) : null;
          return (target.query as (...input: readonly unknown[]) => unknown)(instead ?? query, ...rest);
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
