import { unknownRoute } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = unknownRoute();
