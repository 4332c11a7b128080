import {
  deadLetterFilterSchema,
  deadLetterPageSchema,
  redriveRequestSchema,
  redriveResultSchema,
} from '../schemas/deadLetter.js';
import { defineEndpoint } from './endpoint.js';

const group = 'Dead letters';

export const deadLetterEndpoints = {
  listDeadLetters: defineEndpoint({
    method: 'GET',
    path: '/dead-letters',
    group,
    scope: 'read',
    status: 200,
    summary: 'Tasks that are parked because they failed for good, each with its reason, newest first',
    query: deadLetterFilterSchema,
    response: deadLetterPageSchema,
    errors: ['INVALID_CURSOR'],
  }),
  redriveDeadLetters: defineEndpoint({
    method: 'POST',
    path: '/dead-letters/redrive',
    group,
    scope: 'write',
    status: 200,
    summary:
      'Give parked tasks another chance, with their budgets afresh: these, or up to 500 that a filter finds. One that is refused keeps none of the others from it',
    body: redriveRequestSchema,
    response: redriveResultSchema,
    errors: [],
  }),
} as const;
