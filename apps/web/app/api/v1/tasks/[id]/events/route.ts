import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.listTaskEvents, ({ engine, input }) =>
    engine.listTaskEvents(input.params.id, input.query.limit, input.query.cursor),
  ),
);
