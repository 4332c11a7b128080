import { breakerEndpoints } from './breakers.js';
import { deadLetterEndpoints } from './deadLetters.js';
import { fleetEndpoints } from './fleet.js';
import { orchestratorEndpoints } from './orchestrators.js';
import { routeEndpoints } from './routes.js';
import { runEndpoints } from './runs.js';
import { taskEndpoints } from './tasks.js';

/** Every endpoint of `/api/v1`, by name. */
export const endpoints = {
  ...orchestratorEndpoints,
  ...taskEndpoints,
  ...runEndpoints,
  ...fleetEndpoints,
  ...breakerEndpoints,
  ...routeEndpoints,
  ...deadLetterEndpoints,
} as const;

export type EndpointName = keyof typeof endpoints;
export * from './endpoint.js';
