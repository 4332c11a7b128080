import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.updateTaskProgress, ({ engine, input }) =>
    engine.updateTaskProgress({ taskId: input.params.id, ...input.body }),
  ),
);
