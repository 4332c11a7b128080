import { join } from 'node:path';
import { type EmbeddedPostgres, migrate, startEmbeddedPostgres } from '@neolith/database';

export interface StartedDatabase {
  readonly url: string;
  readonly isEmbedded: boolean;
  /** Starts it again when it died; answers the url, which may be another one then. Null when it lives. */
  revive(): Promise<string | null>;
  /** Ends an embedded one; any other is not ours. */
  stop(): Promise<void>;
}

/** The PostgreSQL of `DATABASE_URL`, or the embedded one of `home`; migrated either way. */
export async function startDatabase(
  home: string,
  env: NodeJS.ProcessEnv,
  log: (message: string) => void,
): Promise<StartedDatabase> {
  if (env.DATABASE_URL) {
    await migrate(env.DATABASE_URL);
    return {
      url: env.DATABASE_URL,
      isEmbedded: false,
      revive: () => Promise.resolve(null),
      stop: () => Promise.resolve(),
    };
  }
  const start = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDirectory: join(home, 'postgres'), log });
  let server = await start();
  await migrate(server.url);
  return {
    url: server.url,
    isEmbedded: true,
    async revive() {
      if (await server.isUp()) return null;
      server = await start();
      return server.url;
    },
    stop: () => server.stop(),
  };
}
