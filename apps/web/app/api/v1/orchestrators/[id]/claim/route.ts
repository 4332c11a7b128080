import { endpoints } from '@neolith/contracts';
import { claimWithContexts } from '@/server/claimWithContexts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.claimTasks, claimWithContexts),
);
