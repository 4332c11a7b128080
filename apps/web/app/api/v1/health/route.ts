import { endpoints } from '@neolith/contracts';
import { checkHealth } from '@/server/health';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(handle(endpoints.getHealth, checkHealth));
