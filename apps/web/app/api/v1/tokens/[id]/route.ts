import { endpoints } from '@neolith/contracts';
import { revokeAccessToken } from '@/server/auth/manageTokens';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.revokeToken, revokeAccessToken),
);
