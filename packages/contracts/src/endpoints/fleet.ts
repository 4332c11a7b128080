import { z } from 'zod';
import { idSchema } from '../ids.js';
import { dateTimeSchema, pageSizeSchema } from '../schemas/common.js';
import {
  daemonHeartbeatAnswerSchema,
  daemonHeartbeatSchema,
  daemonListSchema,
  daemonRegistrationSchema,
  daemonSchema,
} from '../schemas/daemon.js';
import { eventPageSchema } from '../schemas/event.js';
import { issuedTokenSchema, newTokenSchema, tokenListSchema, tokenSchema } from '../schemas/token.js';
import { TOKEN_SCOPES, tokenScopeSchema } from '../schemas/vocabulary.js';
import { defineEndpoint } from './endpoint.js';

const newSignInLinkSchema = z
  .strictObject({
    /** What the browser's session may do. */
    scopes: z.array(tokenScopeSchema).min(1).max(TOKEN_SCOPES.length).default(['admin']),
  })
  .meta({ id: 'NewSignInLink' });

const signInLinkSchema = z.object({ url: z.string(), expiresAt: dateTimeSchema }).meta({ id: 'SignInLink' });

export const fleetEndpoints = {
  listDaemons: defineEndpoint({
    method: 'GET',
    path: '/daemons',
    group: 'Daemons',
    scope: 'read',
    status: 200,
    summary: 'The daemons of the workspace, by name',
    response: daemonListSchema,
    errors: [],
  }),
  registerDaemon: defineEndpoint({
    method: 'POST',
    path: '/daemons',
    group: 'Daemons',
    scope: 'work',
    status: 201,
    summary: 'Register a daemon; the same name again is the same daemon started anew',
    body: daemonRegistrationSchema,
    response: daemonSchema,
    errors: ['ORCHESTRATOR_NOT_FOUND'],
  }),
  daemonHeartbeat: defineEndpoint({
    method: 'POST',
    path: '/daemons/{id}/heartbeat',
    group: 'Daemons',
    scope: 'work',
    status: 200,
    summary: 'Tell that the daemon lives and renew the leases of its attempts, all in one call',
    body: daemonHeartbeatSchema,
    response: daemonHeartbeatAnswerSchema,
    repeatable: true,
    vital: true,
    errors: ['DAEMON_NOT_FOUND'],
  }),
  followControl: defineEndpoint({
    method: 'GET',
    path: '/daemons/{id}/control',
    group: 'Daemons',
    scope: 'work',
    status: 200,
    stream: true,
    summary: 'Server-sent control messages for a daemon: cancels, as they are requested',
    errors: ['DAEMON_NOT_FOUND'],
  }),
  followEvents: defineEndpoint({
    method: 'GET',
    path: '/events',
    group: 'Events',
    scope: 'read',
    status: 200,
    stream: true,
    summary:
      'Server-sent events of the workspace; resumes after Last-Event-ID (or ?cursor=) without gap or repeat',
    query: z.strictObject({ cursor: z.string().max(200).optional(), orchestratorId: idSchema.optional() }),
    errors: ['INVALID_CURSOR'],
  }),
  listTaskEvents: defineEndpoint({
    method: 'GET',
    path: '/tasks/{id}/events',
    group: 'Events',
    scope: 'read',
    status: 200,
    summary:
      'The history of a task, oldest first, page by page: the next begins after the cursor of the last event',
    query: z.strictObject({ limit: pageSizeSchema, cursor: z.string().max(200).optional() }),
    response: eventPageSchema,
    errors: ['TASK_NOT_FOUND', 'INVALID_CURSOR'],
  }),
  listTokens: defineEndpoint({
    method: 'GET',
    path: '/tokens',
    group: 'Tokens',
    scope: 'admin',
    status: 200,
    summary: 'The access tokens of the workspace, without their secrets',
    response: tokenListSchema,
    errors: [],
  }),
  createToken: defineEndpoint({
    method: 'POST',
    path: '/tokens',
    group: 'Tokens',
    scope: 'admin',
    status: 201,
    summary: 'Issue an access token; its secret is shown this once',
    body: newTokenSchema,
    response: issuedTokenSchema,
    secretAnswer: true,
    errors: [],
  }),
  revokeToken: defineEndpoint({
    method: 'DELETE',
    path: '/tokens/{id}',
    group: 'Tokens',
    scope: 'admin',
    status: 200,
    summary: 'Revoke a token; it holds from the next call on',
    response: tokenSchema,
    errors: ['TOKEN_NOT_FOUND'],
  }),
  createSignInLink: defineEndpoint({
    method: 'POST',
    path: '/sign-in-links',
    group: 'Tokens',
    scope: 'admin',
    status: 201,
    summary: 'Make a link that signs a browser in to the dashboard: once, within 15 minutes',
    body: newSignInLinkSchema,
    response: signInLinkSchema,
    secretAnswer: true,
    errors: [],
  }),
  getHealth: defineEndpoint({
    method: 'GET',
    path: '/health',
    group: 'Service',
    scope: null,
    status: 200,
    summary: 'Whether the server and its database answer',
    response: z
      .object({ status: z.literal('ok'), version: z.string(), database: z.literal('ok') })
      .meta({ id: 'Health' }),
    errors: ['DATABASE_UNAVAILABLE'],
  }),
  getOpenApi: defineEndpoint({
    method: 'GET',
    path: '/openapi.json',
    group: 'Service',
    scope: null,
    status: 200,
    summary: 'This description',
    response: z.looseObject({ openapi: z.string() }).meta({ id: 'OpenApi' }),
    errors: [],
  }),
} as const;
