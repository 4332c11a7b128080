import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.explainSelection, ({ engine, input }) => {
    const { taskId, ...criteria } = input.query;
    return engine.explainSelection(input.params.id, taskId, criteria);
  }),
);
