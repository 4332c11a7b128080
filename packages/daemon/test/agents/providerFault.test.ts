import { expect, it } from 'vitest';
import { parseResetTime } from '../../src/agents/parseResetTime.js';
import { describeProviderFault } from '../../src/agents/providerFault.js';

const WORDS = { title: 'The agent', login: 'Log in.' };

it.each([
  [{ status: 401, message: 'no' }, 'NOT_LOGGED_IN'],
  [{ message: 'Invalid API key · Fix external API key' }, 'NOT_LOGGED_IN'],
  [{ message: 'Please run /login' }, 'NOT_LOGGED_IN'],
  [{ message: 'unexpected status 401 Unauthorized: Incorrect API key provided' }, 'NOT_LOGGED_IN'],
  [{ status: 403, message: 'Request not allowed' }, 'NOT_LOGGED_IN'],
  [{ status: 402, message: 'no' }, 'QUOTA_EXCEEDED'],
  [{ status: 429, message: 'You exceeded your current quota, please check your plan' }, 'QUOTA_EXCEEDED'],
  [{ message: "You've hit your usage limit. Try again in 2 days 3 hours." }, 'QUOTA_EXCEEDED'],
  [{ status: 400, message: 'Your credit balance is too low to access the API.' }, 'QUOTA_EXCEEDED'],
  [{ status: 429, message: 'slow down' }, 'RATE_LIMITED'],
  [{ message: 'Resource has been exhausted (e.g. check quota).' }, 'RATE_LIMITED'],
  [{ status: 529, message: 'Overloaded' }, 'PROVIDER_UNAVAILABLE'],
  [{ message: 'API Error: 529 {"type":"error"}' }, 'PROVIDER_UNAVAILABLE'],
  [{ message: 'connect ECONNREFUSED 127.0.0.1:1' }, 'PROVIDER_UNAVAILABLE'],
  [{ status: 503, message: 'x' }, 'PROVIDER_UNAVAILABLE'],
  [
    { status: 404, message: 'The model `gpt-9` does not exist or you do not have access to it.' },
    'MODEL_UNAVAILABLE',
  ],
  [{ status: 413, message: 'too large' }, 'PROMPT_TOO_LONG'],
  [{ status: 400, message: 'prompt is too long: 250000 tokens > 200000 maximum' }, 'PROMPT_TOO_LONG'],
])('sorts %j as %s', (refusal, code) => {
  const fault = describeProviderFault(WORDS, refusal);
  expect(fault).toMatchObject({ code, failureClass: code === 'PROMPT_TOO_LONG' ? 'task' : 'provider' });
  expect(fault?.message).toContain('The agent');
});

it.each([
  [{ message: '' }],
  [{ message: 'The tests are red.' }],
  [{ status: 400, message: 'bad tool name' }],
  [{ status: 404, message: 'no such page' }],
])('leaves %j to others', (refusal) => {
  expect(describeProviderFault(WORDS, refusal)).toBeNull();
});

it('says what to do, quotes what was said, and when it ends', () => {
  const message = 'usage limit reached, try again in 90 minutes';
  expect(describeProviderFault(WORDS, { status: 429, message })).toEqual({
    failureClass: 'provider',
    code: 'QUOTA_EXCEEDED',
    message: expect.stringMatching(/Wait until .* It said: usage limit reached/),
    resetAt: 'PT5400S',
  });
  const login = describeProviderFault(WORDS, { status: 401, message, resetAt: '2026-11-22T00:00:00.000Z' });
  expect(login?.message).toContain('Log in.');
  // No waiting helps there.
  expect(login?.resetAt).toBeUndefined();
});

it.each([
  ['try again in 1.5s', 'PT1.5S'],
  ['Please retry after 20 seconds.', 'PT20S'],
  ['Try again in 2 days 3 hours 4 minutes.', 'PT183840S'],
  ['Your quota will reset after 3h20m10s.', 'PT12010S'],
  ['limit reached|1795260000', '2026-11-21T11:20:00.000Z'],
  ['available again at 2026-11-21T12:00:00+02:00', '2026-11-21T10:00:00.000Z'],
  ['"retryDelay": "37s"', 'PT37S'],
  // The time of a line of log says nothing beside it.
  ['2026-11-20T12:00:00Z rate limited, try again in 30 s', 'PT30S'],
  // The server sees that it is over; a clock of this machine that goes wrong would not.
  ['it ended at 2001-11-20T12:00:00Z and at 2026-11-20T12:00:00Z', undefined],
  ['it ended at 2026-11-20T12:00:00Z', '2026-11-20T12:00:00.000Z'],
  ['limit reached|9999999999', undefined],
  ['resets 3pm', undefined],
  ['try again in 0.4 ms', undefined],
  ['try again in 99999 days', undefined],
  ['nothing of the kind', undefined],
])('reads when %j ends, without a clock', (message, resetAt) => {
  expect(parseResetTime(message)).toBe(resetAt);
});
