import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NextConfig } from 'next';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

const config: NextConfig = {
  serverExternalPackages: ['pino'],
  outputFileTracingRoot: repository,
  turbopack: { root: repository },
  poweredByHeader: false,
  reactStrictMode: true,
  headers: async () => [
    {
      source: '/:path*',
      headers: [
        { key: 'X-Content-Type-Options', value: 'nosniff' },
        // Nobody may put the dashboard in a frame and have its reader click blindly.
        { key: 'X-Frame-Options', value: 'DENY' },
        {
          key: 'Content-Security-Policy',
          value: "frame-ancestors 'none'; base-uri 'self'; form-action 'self'",
        },
        { key: 'Referrer-Policy', value: 'same-origin' },
      ],
    },
  ],
  // `npm run typecheck` checks the whole repository; doing it again here would double the time of a first start.
  typescript: { ignoreBuildErrors: true },
};

export default config;
