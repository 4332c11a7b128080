import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';
import { SECURITY_HEADERS } from './server/http/securityHeaders';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const config: NextConfig = {
  // Once in the process, however many bundles ask for them.
  serverExternalPackages: ['pino', 'prom-client', '@opentelemetry/api'],
  outputFileTracingRoot: repository,
  turbopack: { root: repository },
  poweredByHeader: false,
  reactStrictMode: true,
  headers: async () => [
    {
      source: '/:path*',
      headers: Object.entries(SECURITY_HEADERS).map(([key, value]) => ({ key, value })),
    },
  ],
  // `npm run typecheck` checks the whole repository; doing it again here would double the time of a first start.
  typescript: { ignoreBuildErrors: true },
};

export default config;
