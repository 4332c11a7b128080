import type { AttemptJson } from './wire';

/** Where the result of an attempt comes from that had no agent do the work. */
export type Origin =
  /** Taken over from another one, mostly of another task. */
  | { kind: 'reused'; taskId: string; attemptId: string }
  /** An earlier attempt at the task had merged it, and could not tell. */
  | { kind: 'merged-before'; attemptId: string };

/** What the metrics say about it; null where an agent did the work. They are free JSON: nothing of them is taken for granted. */
export function originOf(metrics: AttemptJson['metrics']): Origin | null {
  const reused = readTexts(metrics, 'reusedFrom', ['taskId', 'attemptId']);
  if (reused !== null) return { kind: 'reused', taskId: reused.taskId, attemptId: reused.attemptId };
  const merged = readTexts(metrics, 'mergedBefore', ['attemptId']);
  return merged === null ? null : { kind: 'merged-before', attemptId: merged.attemptId };
}

function readTexts<Key extends string>(
  metrics: unknown,
  name: string,
  keys: readonly Key[],
): Record<Key, string> | null {
  const value: unknown = isObject(metrics) ? metrics[name] : null;
  if (!isObject(value)) return null;
  const texts = keys.map((key) => [key, value[key]] as const);
  return texts.every(([, text]) => typeof text === 'string' && text !== '')
    ? (Object.fromEntries(texts) as Record<Key, string>)
    : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
