import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.listDaemons, async ({ engine }) => ({ daemons: await engine.listDaemons() })),
  handle(endpoints.registerDaemon, ({ engine, input }) => engine.registerDaemon(input.body)),
);
