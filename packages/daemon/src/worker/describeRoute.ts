import type { Route } from '@neolith/contracts';
import type { ChoiceGround } from './agentChooser.js';

/** The server's limits, and what a person reads. */
const REASON_CHARS_MAX = 1_000;
const CANDIDATE_REASON_CHARS_MAX = 200;
const CANDIDATES_MAX = 30;

/** A choice as it is told to the server and kept with the attempt; null where there was nothing to decide. Pure. */
export function describeRoute(
  ground: ChoiceGround | undefined,
  chosen: Pick<Route, 'agent' | 'provider' | 'model'>,
): Route | null {
  if (ground === undefined) return null;
  const { decision, classification } = ground;
  return {
    ...chosen,
    rule: decision.rule,
    strategy: decision.strategy,
    taskType: classification.type,
    complexity: classification.complexity,
    confidence: decision.confidence,
    reason: shorten(decision.reason, REASON_CHARS_MAX),
    candidates: decision.candidates.slice(0, CANDIDATES_MAX).map(({ agent, state, reason }) => ({
      agent,
      state,
      reason: shorten(reason, CANDIDATE_REASON_CHARS_MAX),
    })),
  };
}

/** Also of what the server could not store: a remedy may quote what an operator has written. */
function shorten(text: string, charsMax: number): string {
  const clean = text.replaceAll('\0', '').toWellFormed();
  if (clean.length <= charsMax) return clean;
  const kept = clean.slice(0, charsMax - 1);
  return `${kept.isWellFormed() ? kept : kept.slice(0, -1)}…`;
}
