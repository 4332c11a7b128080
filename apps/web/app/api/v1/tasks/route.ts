import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.listTasks, ({ engine, input }) => engine.listTasks(input.query)),
  handle(endpoints.createTasks, async ({ engine, input }) => ({
    tasks: await engine.createTasks(input.body.tasks),
  })),
);
