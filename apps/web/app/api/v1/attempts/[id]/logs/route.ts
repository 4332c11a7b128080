import { endpoints } from '@neolith/contracts';
import { directHandlers } from '@/server/direct/directHandlers';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';
import { readLog } from '@/server/readLog';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.readAttemptLog, readLog),
  directHandlers.appendAttemptLog,
);
