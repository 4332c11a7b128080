import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.recordRoute, async ({ engine, input }) => {
    await engine.recordRoute(input.params.id, input.body);
    return null;
  }),
);
