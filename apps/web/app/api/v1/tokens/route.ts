import { endpoints } from '@neolith/contracts';
import { createToken, listTokens } from '@/server/auth/manageTokens';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.listTokens, listTokens),
  handle(endpoints.createToken, createToken),
);
