import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.listOrchestrators, async ({ engine }) => ({
    orchestrators: await engine.listOrchestrators(),
  })),
  handle(endpoints.createOrchestrator, ({ engine, input }) => engine.createOrchestrator(input.body)),
);
