import { agentFiguresQuerySchema, agentFiguresSchema, routeRequestSchema } from '../schemas/route.js';
import { defineEndpoint } from './endpoint.js';

const group = 'Routes';

export const routeEndpoints = {
  recordRoute: defineEndpoint({
    method: 'POST',
    path: '/attempts/{id}/route',
    group,
    scope: 'work',
    status: 204,
    summary: 'Store which agent takes the task of a running attempt, and why',
    body: routeRequestSchema,
    repeatable: true,
    errors: ['ATTEMPT_NOT_FOUND', 'LEASE_LOST'],
  }),
  getAgentFigures: defineEndpoint({
    method: 'GET',
    path: '/agents/figures',
    group,
    scope: 'read',
    status: 200,
    summary: 'How often each agent succeeds at each type of task, how long it takes and what it costs',
    query: agentFiguresQuerySchema,
    response: agentFiguresSchema,
    errors: [],
  }),
} as const;
