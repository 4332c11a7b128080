import { endpoints } from '@neolith/contracts';
import { createSignInLink } from '@/server/auth/createSignInLink';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.createSignInLink, createSignInLink),
);
