import {
  breakerListSchema,
  breakerSchema,
  forceBreakerSchema,
  permitRequestSchema,
  permitSchema,
  releaseBreakerSchema,
} from '../schemas/breaker.js';
import { defineEndpoint } from './endpoint.js';

const group = 'Breakers';

export const breakerEndpoints = {
  listBreakers: defineEndpoint({
    method: 'GET',
    path: '/breakers',
    group,
    scope: 'read',
    status: 200,
    summary: 'The circuit breakers that have ever opened or been forced, by agent and provider',
    response: breakerListSchema,
    errors: [],
  }),
  requestPermit: defineEndpoint({
    method: 'POST',
    path: '/breakers/permit',
    group,
    scope: 'work',
    status: 200,
    summary:
      'Ask whether an attempt may use an agent whose breaker is not closed; while it is half-open one attempt of the whole fleet may',
    body: permitRequestSchema,
    response: permitSchema,
    repeatable: true,
    errors: ['ATTEMPT_NOT_FOUND', 'LEASE_LOST'],
  }),
  forceBreaker: defineEndpoint({
    method: 'POST',
    path: '/breakers/force',
    group,
    scope: 'write',
    status: 200,
    summary: 'Hold a breaker open or closed, whatever happens',
    body: forceBreakerSchema,
    response: breakerSchema,
    errors: [],
  }),
  releaseBreaker: defineEndpoint({
    method: 'POST',
    path: '/breakers/release',
    group,
    scope: 'write',
    status: 200,
    summary:
      'Let a breaker move by itself again; one that is open is half-open then, and the next attempt decides',
    body: releaseBreakerSchema,
    response: breakerSchema,
    errors: ['BREAKER_NOT_FOUND'],
  }),
} as const;
