import { directHandlers } from '@/server/direct/directHandlers';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(directHandlers.followEvents);
