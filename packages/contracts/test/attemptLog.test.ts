import { describe, expect, it } from 'vitest';
import {
  appendLogSchema,
  completionRequestSchema,
  logQuerySchema,
  type NewLogChunk,
  usageOfMetrics,
} from '../src/index.js';

const out = (text: string) => [{ stream: 'stdout' as const, text }];
const isChunk = (chunk: Record<string, unknown>) =>
  appendLogSchema.safeParse({ sequence: 1, entries: [], ...chunk }).success;

describe('a chunk of a log', () => {
  it('needs a number and its lines; nothing is missing before it, and more may come, unless it says so', () => {
    const chunk: NewLogChunk = { sequence: 3, entries: out('a\nb') };
    expect(appendLogSchema.parse(chunk)).toEqual({ ...chunk, droppedBytes: 0, last: false });
    expect(isChunk({ entries: [], last: true })).toBe(true);
    for (const wrong of [
      { sequence: 0 },
      { sequence: 1.5 },
      { sequence: '1' },
      { sequence: 2 ** 31 },
      { entries: [{ stream: 'stdin', text: '' }] },
      { entries: [{ stream: 'stdout', text: 'x', at: 'now' }] },
      { droppedBytes: -1 },
      { last: 'yes' },
      { more: 1 },
    ])
      expect(isChunk(wrong), JSON.stringify(wrong)).toBe(false);
  });

  it('holds half a megabyte of text in UTF-8, line breaks counted, and no more', () => {
    const bytes = 512 * 1024;
    expect(isChunk({ entries: out('x'.repeat(bytes - 1)) })).toBe(true);
    expect(isChunk({ entries: out('x'.repeat(bytes)) })).toBe(false);
    expect(isChunk({ entries: out('€'.repeat(bytes / 3)) })).toBe(true);
    expect(isChunk({ entries: out('€'.repeat(bytes / 3 + 1)) })).toBe(false);
    expect(isChunk({ entries: Array(2_000).fill(out('')[0]) })).toBe(true);
    expect(isChunk({ entries: Array(2_001).fill(out('')[0]) })).toBe(false);
  });

  it('may hold whatever an agent prints: it is cleaned, not refused', () => {
    expect(isChunk({ entries: out('a\0\u001b[2J\ud800<b>') })).toBe(true);
  });
});

describe('a part of a log', () => {
  it('is all of it unless it is asked for less, as texts of an address or as numbers', () => {
    expect(logQuerySchema.parse({})).toEqual({ limit: 500, waitSeconds: 0 });
    expect(logQuerySchema.parse({ after: '3', waitSeconds: '20', limit: 2 })).toEqual({
      after: 3,
      waitSeconds: 20,
      limit: 2,
    });
    for (const wrong of [
      { after: '-1' },
      { after: 'x' },
      { tail: '1.5' },
      { tail: '1', after: '1' },
      { limit: '501' },
      { waitSeconds: '26' },
      { from: '1' },
    ])
      expect(logQuerySchema.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  });
});

describe('what an attempt used up', () => {
  const completes = (usage: unknown) =>
    completionRequestSchema.safeParse({
      attemptId: 'att_1',
      status: 'completed',
      metrics: { usage, more: 1 },
    }).success;

  it('is part of the metrics of its completion, each figure if it is known', () => {
    expect(completes({ inputTokens: 1, outputTokens: 2, costUsd: 0.03, model: 'm', turns: 4 })).toBe(true);
    expect(completes({})).toBe(true);
    expect(completes({ inputTokens: 1, thoughts: 'many' })).toBe(true);
    for (const wrong of [
      null,
      'much',
      { inputTokens: -1 },
      { turns: 0.5 },
      { costUsd: '1' },
      { model: 'a\0' },
    ])
      expect(completes(wrong), JSON.stringify(wrong)).toBe(false);
  });

  it('is read from metrics of whatever form', () => {
    expect(usageOfMetrics({ duration: 1, usage: { outputTokens: 2, later: true } })).toEqual({
      outputTokens: 2,
    });
    for (const none of [null, undefined, 1, [], {}, { usage: 'much' }, { usage: { inputTokens: -1 } }])
      expect(usageOfMetrics(none)).toBeNull();
  });
});
