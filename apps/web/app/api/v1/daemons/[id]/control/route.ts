import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';
import { followControl } from '@/server/streams/followControl';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.followControl, followControl),
);
