import { endpoints } from '@neolith/contracts';
import { describeApi } from '@/server/describeApi';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(handle(endpoints.getOpenApi, describeApi));
