import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.executeTask, ({ engine, input }) => {
    const { orchestratorId, ...options } = input.body;
    return engine.executeTask(orchestratorId, input.params.id, options);
  }),
);
