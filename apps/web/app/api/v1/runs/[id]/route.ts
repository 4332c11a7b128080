import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.getRun, ({ engine, input }) => engine.getRun(input.params.id)),
  handle(endpoints.updateRun, ({ engine, input }) => engine.updateRun(input.params.id, input.body)),
  handle(endpoints.deleteRun, async ({ engine, input }) => {
    await engine.deleteRun(input.params.id);
    return null;
  }),
);
