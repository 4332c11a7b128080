import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.failMerge, async ({ engine, input }) =>
    engine.failMerge(await engine.taskOfAttempt(input.params.id), {
      ...input.body,
      attemptId: input.params.id,
    }),
  ),
);
