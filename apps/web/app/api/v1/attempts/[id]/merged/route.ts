import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.completeMerge, async ({ engine, input }) =>
    engine.completeMerge(await engine.taskOfAttempt(input.params.id), {
      ...input.body,
      attemptId: input.params.id,
    }),
  ),
);
