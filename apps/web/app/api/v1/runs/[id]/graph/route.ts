import { endpoints } from '@neolith/contracts';
import { drawRunGraph } from '@/server/drawRunGraph';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(handle(endpoints.getRunGraph, drawRunGraph));
