import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.getTask, ({ engine, input }) => engine.getTask(input.params.id)),
  handle(endpoints.updateTask, ({ engine, input }) => engine.updateTask(input.params.id, input.body)),
);
