import type { Handler } from '../http/handle';
import { directHandlers } from './directHandlers';

export interface DirectMatch {
  handler: Handler;
  params: Readonly<Record<string, string>>;
}

interface Pattern {
  handler: Handler;
  expression: RegExp;
  names: readonly string[];
}

/** Ids as we write them. A path with anything else in it, escapes above all, is for Next to make sense of. */
const PARAMETER = '([A-Za-z0-9_-]{1,200})';

function patternOf(handler: Handler): Pattern {
  const names: string[] = [];
  const path = handler.endpoint.path.replace(/\{(\w+)\}/g, (_, name: string) => {
    names.push(name);
    return PARAMETER;
  });
  return { handler, names, expression: new RegExp(`^/api/v1${path}(?:\\?[^#]*)?$`) };
}

const patterns = new Map<string, readonly Pattern[]>();
for (const handler of Object.values<Handler>(directHandlers)) {
  const { method } = handler.endpoint;
  patterns.set(method, [...(patterns.get(method) ?? []), patternOf(handler)]);
}

/** The handler that answers this call directly; null where Next is to route it. */
export function matchDirect(method: string | undefined, url: string | undefined): DirectMatch | null {
  if (url === undefined || !url.startsWith('/api/v1/')) return null;
  for (const { handler, expression, names } of patterns.get(method ?? '') ?? []) {
    const found = expression.exec(url);
    if (found === null) continue;
    return { handler, params: Object.fromEntries(names.map((name, at) => [name, found[at + 1] ?? ''])) };
  }
  return null;
}
