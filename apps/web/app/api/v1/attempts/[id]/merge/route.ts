import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';
import { waitForMergeSlot } from '@/server/waitForMergeSlot';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.requestMerge, waitForMergeSlot),
);
