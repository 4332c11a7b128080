import { endpoints } from '@neolith/contracts';
import { handle } from '@/server/http/handle';
import { routes } from '@/server/http/routes';

export const { GET, POST, PUT, PATCH, DELETE, OPTIONS } = routes(
  handle(endpoints.listChannels, async ({ engine }) => ({ channels: await engine.listChannels() })),
  handle(endpoints.createChannel, ({ engine, input }) => engine.createChannel(input.body)),
);
