import { describe, expect, test } from 'vitest';
import { createOpenApiDocument, type Endpoint, ERROR_STATUS, endpoints } from '../src/index.js';

interface Operation {
  operationId: string;
  security?: unknown[];
  parameters: { name: string; in: string; required: boolean; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: unknown }> };
  responses: Record<string, { description: string; content?: Record<string, { schema: unknown }> }>;
}

const document = createOpenApiDocument('1.2.3') as unknown as {
  openapi: string;
  info: { version: string };
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, unknown> };
};
const table = Object.entries<Endpoint>(endpoints);

function operationOf(endpoint: Endpoint): Operation {
  return document.paths[endpoint.path]?.[endpoint.method.toLowerCase()] as Operation;
}

test('the document is OpenAPI 3.1 and plain JSON', () => {
  expect(document.openapi).toBe('3.1.0');
  expect(document.info.version).toBe('1.2.3');
  expect(JSON.parse(JSON.stringify(document))).toEqual(document);
});

test('every reference leads to a schema of the document', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(
    (match) => match[1] as string,
  );
  expect(references.length).toBeGreaterThan(100);
  for (const reference of new Set(references)) {
    expect(reference).toMatch(/^#\/components\/schemas\/\w+$/);
    expect(document.components.schemas).toHaveProperty(reference.split('/').at(-1) as string);
  }
});

describe.each(table)('%s', (name, endpoint) => {
  test('is there with its parameters, its body, its answer and its errors', () => {
    const operation = operationOf(endpoint);
    expect(operation.operationId).toBe(name);
    const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(operation.parameters.filter((one) => one.in === 'path').map((one) => one.name)).toEqual(inPath);
    expect(operation.parameters.some((one) => one.in === 'query')).toBe(endpoint.query !== undefined);
    expect(operation.requestBody !== undefined).toBe(endpoint.body !== undefined);
    expect(operation.security).toEqual(endpoint.scope === null ? [] : undefined);
    const success = operation.responses[String(endpoint.status)];
    const type = endpoint.stream === true ? 'text/event-stream' : 'application/json';
    const hasContent = endpoint.response !== undefined || endpoint.stream === true;
    expect(Object.keys(success?.content ?? {})).toEqual(hasContent ? [type] : []);
    expect(operation.responses['204'] !== undefined).toBe(
      endpoint.mayBeEmpty === true || endpoint.status === 204,
    );
    for (const code of endpoint.errors) {
      expect(operation.responses[String(ERROR_STATUS[code])]?.description).toContain(code);
    }
    expect(operation.responses['401'] !== undefined).toBe(endpoint.scope !== null);
  });
});

test('no two endpoints share a method and a path', () => {
  const keys = table.map(([, { method, path }]) => `${method} ${path}`);
  expect(new Set(keys).size).toBe(keys.length);
});
