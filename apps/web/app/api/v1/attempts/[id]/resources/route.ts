import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';
import { waitForResources } from '@/server/waitForResources';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.acquireResources, waitForResources),
  handle(endpoints.giveUpResources, ({ engine, input }) => engine.giveUpResources(input.params.id)),
);
