import { z } from 'zod';
import { type Endpoint, endpoints } from './endpoints/index.js';
import { ERROR_STATUS, type ErrorCode } from './errors/codes.js';
import { problemSchema } from './errors/problem.js';

type JsonObject = { [key: string]: unknown };

/** What every endpoint may answer besides its own. */
const GENERAL: readonly ErrorCode[] = ['INVALID_INPUT', 'INTERNAL', 'DATABASE_UNAVAILABLE', 'OVERLOADED'];

function schemaOf(schema: z.ZodType, components: JsonObject, io: 'input' | 'output'): JsonObject {
  // On the wire a codec is its text form, which zod calls its input; of an answer nothing is optional by default.
  const json = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as JsonObject & { $defs?: JsonObject };
  const { $defs = {}, $schema: _dialect, ...own } = json;
  const id = typeof own.id === 'string' ? own.id : undefined;
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) =>
        key === '$ref' && typeof inner === 'string'
          ? [
              key,
              inner === '#'
                ? `#/components/schemas/${id ?? io}`
                : inner.replace('#/$defs/', '#/components/schemas/'),
            ]
          : [key, rewrite(inner)],
      ),
    );
  };
  for (const [name, definition] of Object.entries($defs)) {
    const { id: _id, ...rest } = definition as JsonObject;
    components[name] ??= rewrite(rest);
  }
  const { id: _own, ...rest } = own;
  if (id === undefined) return rewrite(rest) as JsonObject;
  components[id] ??= rewrite(rest);
  return { $ref: `#/components/schemas/${id}` };
}

const IDEMPOTENCY_KEY: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Names this call for 24 hours: the same call with the same key is answered the same and has no second effect.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

function parametersOf(endpoint: Endpoint, components: JsonObject): JsonObject[] {
  const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map((match) => ({
    name: match[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inHeader = endpoint.method === 'POST' && endpoint.scope !== null ? [IDEMPOTENCY_KEY] : [];
  if (endpoint.query === undefined) return [...inPath, ...inHeader];
  const found: JsonObject = {};
  const schema = schemaOf(endpoint.query, found, 'input');
  const resolved = (
    typeof schema.$ref === 'string' ? found[schema.$ref.split('/').at(-1) as string] : schema
  ) as {
    properties?: JsonObject;
    required?: string[];
  };
  for (const [name, definition] of Object.entries(found)) {
    if (typeof schema.$ref !== 'string' || !schema.$ref.endsWith(`/${name}`)) components[name] ??= definition;
  }
  const inQuery = Object.entries(resolved.properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: resolved.required?.includes(name) === true,
    schema: property,
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function responsesOf(endpoint: Endpoint, components: JsonObject): JsonObject {
  const responses: JsonObject = {};
  if (endpoint.stream === true) {
    responses['200'] = {
      description: 'Server-sent events',
      content: { 'text/event-stream': { schema: { type: 'string' } } },
    };
  } else if (endpoint.response === undefined) {
    responses[endpoint.status] = { description: 'Done' };
  } else {
    responses[endpoint.status] = {
      description: endpoint.summary,
      content: { 'application/json': { schema: schemaOf(endpoint.response, components, 'output') } },
    };
  }
  if (endpoint.mayBeEmpty === true) responses['204'] = { description: 'There is none' };
  const codes: ErrorCode[] = [...GENERAL, ...endpoint.errors];
  if (endpoint.scope !== null) codes.push('UNAUTHENTICATED', 'FORBIDDEN');
  if (endpoint.scope !== null && endpoint.vital !== true) codes.push('RATE_LIMITED');
  if (endpoint.scope !== null && endpoint.method === 'POST') {
    codes.push('IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_KEY_IN_USE');
  }
  if (endpoint.body !== undefined) codes.push('PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE');
  for (const code of codes) {
    const status = String(ERROR_STATUS[code]);
    const known = responses[status] as { description: string } | undefined;
    responses[status] = {
      description: known === undefined ? code : `${known.description}, ${code}`,
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  }
  return responses;
}

/** The OpenAPI 3.1 document of the whole API, from the endpoint table. */
export function createOpenApiDocument(version: string): JsonObject {
  const components: JsonObject = {};
  schemaOf(problemSchema, components, 'output');
  const paths: Record<string, JsonObject> = {};
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    paths[endpoint.path] ??= {};
    (paths[endpoint.path] as JsonObject)[endpoint.method.toLowerCase()] = {
      operationId: name,
      tags: [endpoint.group],
      summary: endpoint.summary,
      ...(endpoint.scope === null
        ? { security: [] }
        : { description: `Needs the scope \`${endpoint.scope}\`.` }),
      parameters: parametersOf(endpoint, components),
      ...(endpoint.body === undefined
        ? {}
        : {
            requestBody: {
              required: true,
              content: { 'application/json': { schema: schemaOf(endpoint.body, components, 'input') } },
            },
          }),
      responses: responsesOf(endpoint, components),
    };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Neolith Work Engine', version },
    servers: [{ url: '/api/v1' }],
    security: [{ bearer: [] }, { cookie: [] }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'neolith_session' },
      },
    },
  };
}
