import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.addDependency, async ({ engine, input }) => {
    await engine.addDependency(input.params.id, input.body.dependsOn);
    return engine.getTask(input.params.id);
  }),
  handle(endpoints.removeDependency, async ({ engine, input }) => {
    await engine.removeDependency(input.params.id, input.query.dependsOn);
    return engine.getTask(input.params.id);
  }),
);
