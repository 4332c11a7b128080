import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.getOrchestrator, ({ engine, input }) => engine.getOrchestrator(input.params.id)),
  handle(endpoints.updateOrchestrator, ({ engine, input }) =>
    engine.updateOrchestrator(input.params.id, input.body),
  ),
);
