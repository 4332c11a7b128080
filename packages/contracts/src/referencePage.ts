import { z } from 'zod';
import { type Endpoint, endpoints } from './endpoints/index.js';
import { ERROR_STATUS } from './errors/codes.js';

interface FieldSchema {
  type?: string | string[];
  format?: string;
  enum?: unknown[];
  anyOf?: FieldSchema[];
  items?: FieldSchema;
  default?: unknown;
  id?: string;
  $ref?: string;
  minimum?: number;
  maximum?: number;
  maxLength?: number;
  properties?: Record<string, FieldSchema>;
  required?: string[];
  $defs?: Record<string, FieldSchema>;
}

function typeOf(field: FieldSchema): string {
  if (field.$ref !== undefined) return field.$ref.split('/').at(-1)?.replace(/^__.*/, 'JSON') ?? 'JSON';
  if (field.id !== undefined) return field.id;
  if (field.enum !== undefined) return field.enum.map((value) => JSON.stringify(value)).join(' or ');
  if (field.anyOf !== undefined) return [...new Set(field.anyOf.map(typeOf))].join(' or ');
  if (field.items !== undefined) return `${typeOf(field.items)}[]`;
  if (field.format === 'date-time') return 'date-time';
  return Array.isArray(field.type) ? field.type.join(' or ') : (field.type ?? 'JSON');
}

function fieldsOf(schema: z.ZodType): string[] {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as FieldSchema;
  // A schema with an id of its own comes as a reference to itself.
  const json = root.$ref === undefined ? root : (root.$defs?.[root.$ref.replace('#/$defs/', '')] ?? root);
  return Object.entries(json.properties ?? {}).map(([name, field]) => {
    const needed = json.required?.includes(name) === true && field.default === undefined;
    const facts = [
      typeOf(field),
      ...(needed ? ['required'] : []),
      ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
    ];
    return `\`${name}\` (${facts.join(', ')})`;
  });
}

function nameOf(schema: z.ZodType | undefined): string {
  if (schema === undefined) return '';
  const id = z.globalRegistry.get(schema)?.id;
  return id === undefined ? '' : `\`${id}\``;
}

function describe(name: string, endpoint: Endpoint): string {
  const lines = [
    `#### \`${endpoint.method} ${endpoint.path}\``,
    '',
    `${endpoint.summary}. Scope: ${endpoint.scope === null ? 'none' : `\`${endpoint.scope}\``}. Client: \`${endpoint.stream === true ? `open('${name}')` : name}\`.`,
    '',
  ];
  if (endpoint.query !== undefined) lines.push(`- query: ${fieldsOf(endpoint.query).join(', ')}`);
  if (endpoint.body !== undefined)
    lines.push(`- body ${nameOf(endpoint.body)}: ${fieldsOf(endpoint.body).join(', ')}`);
  const answer = endpoint.stream === true ? 'server-sent events' : nameOf(endpoint.response) || 'nothing';
  lines.push(
    `- answers ${endpoint.status}: ${answer}${endpoint.mayBeEmpty === true ? ', or 204 where there is none' : ''}`,
  );
  if (endpoint.repeatable === true)
    lines.push('- repeatable: made twice it has its effect once, without a key');
  if (endpoint.maxBodyBytes !== undefined)
    lines.push(`- body at most ${endpoint.maxBodyBytes / 1_048_576} MB`);
  if (endpoint.errors.length > 0) {
    lines.push(`- errors: ${endpoint.errors.map((code) => `\`${code}\` ${ERROR_STATUS[code]}`).join(', ')}`);
  }
  return lines.join('\n');
}

/** The reference page of the HTTP API in Markdown, from the endpoint table. */
export function createReferencePage(): string {
  const groups = new Map<string, string[]>();
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    groups.set(endpoint.group, [...(groups.get(endpoint.group) ?? []), describe(name, endpoint)]);
  }
  const codes = Object.entries(ERROR_STATUS)
    .map(([code, status]) => `| \`${code}\` | ${status} |`)
    .join('\n');
  return `# HTTP API

All paths are below \`/api/v1\`. Made from the endpoint table in \`packages/contracts\` by \`npm run reference\`; the shapes named
here are in \`/api/v1/openapi.json\`.

- Authentication: \`Authorization: Bearer neo_…\`, or the dashboard's cookie. Scopes: \`read\` sees, \`write\` changes backlogs,
  \`work\` claims and settles, \`admin\` gives out tokens; \`write\` and \`work\` imply \`read\`, \`admin\` implies all.
- Bodies are JSON (\`Content-Type: application/json\`); unknown fields are refused. Times are ISO 8601 with an offset.
- Ids carry a prefix (\`task_…\`, \`orch_…\`, \`att_…\`).
- Errors are RFC 9457 problem details with a stable \`code\`; \`errors\` names each field of an invalid input. Every endpoint may
  answer \`INVALID_INPUT\`, \`UNAUTHENTICATED\`, \`FORBIDDEN\`, \`RATE_LIMITED\` (429), and \`DATABASE_UNAVAILABLE\` or \`OVERLOADED\` (503), the last
  three with \`Retry-After\`.
- Every POST takes an \`Idempotency-Key\` (1 to 255 visible ASCII characters): for 24 hours the same call with the same key gets the same status
  and body, with \`Idempotency-Replayed: true\`, and has no second effect. With another body or to another route it is
  \`IDEMPOTENCY_KEY_REUSED\` (422); while the first call goes on for more than 5 s, \`IDEMPOTENCY_KEY_IN_USE\` (409). Calls marked
  "repeatable" have their effect once without a key. [More](../concepts/idempotency.md).
- How large and how many: [limits](../concepts/limits.md).

${[...groups].map(([group, entries]) => `## ${group}\n\n${entries.join('\n\n')}`).join('\n\n')}

## Error codes

| code | status |
|---|---|
${codes}
`;
}
