import type { AgentUsage } from './agentAdapter.js';

const SUMMED = [
  'inputTokens',
  'outputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'costUsd',
  'turns',
] as const satisfies readonly (keyof AgentUsage)[];

type UsageFields = { readonly [Key in keyof AgentUsage]?: AgentUsage[Key] | undefined };

/** Without the fields that are undefined. */
export function pickUsage(fields: UsageFields): AgentUsage {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** Field by field; what neither knows stays unknown. The model is the later one's. */
export function addUsage(sum: AgentUsage, more: AgentUsage): AgentUsage {
  const result: { -readonly [Key in keyof AgentUsage]: AgentUsage[Key] } = { ...sum };
  for (const key of SUMMED) {
    const value = more[key];
    if (value !== undefined) result[key] = (result[key] ?? 0) + value;
  }
  if (more.model !== undefined) result.model = more.model;
  return result;
}
