import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';
import { followEvents } from '@/server/streams/followEvents';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.followEvents, followEvents),
);
