import type { AgentFault, FailureClass } from './agentAdapter.js';
import { parseResetTime } from './parseResetTime.js';

/** What an agent let through of its provider's refusal. */
export interface ProviderRefusal {
  /** The HTTP status, where it tells one. */
  readonly status?: number | undefined;
  /** The provider's own word, such as `rate_limit_error`. */
  readonly kind?: string | undefined;
  readonly message: string;
  /** A time or a duration, ISO 8601, where it is told apart from the message. */
  readonly resetAt?: string | undefined;
}

/** How its fault is told to people. */
export interface ProviderWords {
  /** As people call the agent. */
  readonly title: string;
  /** What to do when it isn't logged in. */
  readonly login: string;
}

type FaultCode =
  | 'NOT_LOGGED_IN'
  | 'QUOTA_EXCEEDED'
  | 'RATE_LIMITED'
  | 'PROVIDER_UNAVAILABLE'
  | 'MODEL_UNAVAILABLE'
  | 'PROMPT_TOO_LONG';

const LOOKED_AT_LENGTH_MAX = 4_000;
const QUOTED_LENGTH_MAX = 500;

/** In this order: a quota that is used up is told with 429 as well, and a missing log-in in many words. */
const WORDS: readonly { readonly code: FaultCode; readonly pattern: RegExp }[] = [
  {
    code: 'PROMPT_TOO_LONG',
    pattern:
      /prompt is too long|context[ _]?(?:length|window)[ _]?exceed|exceeds? the context|maximum context|input is too long|request_too_large/i,
  },
  {
    code: 'QUOTA_EXCEEDED',
    pattern:
      /usage limit|insufficient[ _]quota|quota (?:is )?(?:exceed|exhaust|used up)|exceeded your (?:current )?quota|out of (?:credits|premium requests)|credit balance|billing|hit your limit|session limit|weekly limit|spend(?:ing)? limit|premium request (?:limit|allowance)|payment required|terminalquota/i,
  },
  {
    code: 'RATE_LIMITED',
    pattern: /rate[ _-]?limit|too many requests|resource[ _]?(?:has been )?exhausted|retryablequota/i,
  },
  {
    code: 'NOT_LOGGED_IN',
    pattern:
      /invalid[ _]?(?:x-)?api[ _-]?key|incorrect api key|api[ _]key (?:is )?(?:missing|not (?:valid|set|found))|missing (?:api|bearer|auth)|not logged in|not authenticated|no authentication|unauthori[sz]ed|authentication[ _](?:error|failed|required)|authenticationerror|please run \/login|log ?in (?:required|to continue)|(?:oauth )?token (?:has )?(?:expired|been revoked)|set an auth method|permission[ _]error|permissiondenied|\bgithub_token\b.{0,40}\bnot\b|no (?:api key|credentials)/i,
  },
  {
    code: 'MODEL_UNAVAILABLE',
    pattern:
      /model[^.\n]{0,120}(?:not found|does not exist|not (?:be )?(?:available|supported)|may not exist|not exist)|unknown model|invalid model|modelnotfound/i,
  },
  {
    code: 'PROVIDER_UNAVAILABLE',
    pattern:
      /overloaded|internal server error|server[ _]error|api_error|bad gateway|service[ _]unavailable|gateway timeout|\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EPIPE)\b|fetch failed|connection (?:error|refused|failed|closed|reset)|cannot connect|unable to connect|stream disconnected|high demand|network error|request timed out|error sending request|exceeded retry limit|terminated early/i,
  },
];

const FAILURE_CLASS: Readonly<Record<FaultCode, FailureClass>> = {
  NOT_LOGGED_IN: 'provider',
  QUOTA_EXCEEDED: 'provider',
  RATE_LIMITED: 'provider',
  PROVIDER_UNAVAILABLE: 'provider',
  MODEL_UNAVAILABLE: 'provider',
  // Another try with the same prompt ends in the same way.
  PROMPT_TOO_LONG: 'task',
};

/** Sorts what a provider refused with; null where it is nothing that we know. Pure. */
export function describeProviderFault(words: ProviderWords, refusal: ProviderRefusal): AgentFault | null {
  const code = chooseCode(refusal);
  if (code === null) return null;
  const resetAt = refusal.resetAt ?? parseResetTime(refusal.message);
  const waits = code === 'QUOTA_EXCEEDED' || code === 'RATE_LIMITED' || code === 'PROVIDER_UNAVAILABLE';
  return {
    failureClass: FAILURE_CLASS[code],
    code,
    message: `${explain(code, words)} ${quote(refusal)}`.trim(),
    ...(waits && resetAt !== undefined ? { resetAt } : {}),
  };
}

/** As `describeProviderFault`; what is nothing that we know is the agent's own failure, with what it said. */
export function describeFault(
  words: ProviderWords,
  refusal: ProviderRefusal,
  ownCode: 'AGENT_FAILED' | 'TURN_LIMIT' | 'COST_LIMIT' = 'AGENT_FAILED',
): AgentFault {
  return (
    describeProviderFault(words, refusal) ?? {
      failureClass: 'agent',
      code: ownCode,
      message: `${words.title} ${OWN_WORDS[ownCode]} ${quote(refusal)}`.trim(),
    }
  );
}

const OWN_WORDS = {
  AGENT_FAILED: 'gave up.',
  TURN_LIMIT: 'reached the limit of its turns.',
  COST_LIMIT: 'reached the limit of its cost.',
} as const;

function chooseCode({ status, kind, message }: ProviderRefusal): FaultCode | null {
  const said = `${kind ?? ''}\n${message.slice(0, LOOKED_AT_LENGTH_MAX)}`;
  const byWords = WORDS.find(({ pattern }) => pattern.test(said))?.code ?? null;
  switch (status ?? readStatus(said)) {
    case 401:
      return 'NOT_LOGGED_IN';
    case 402:
      return 'QUOTA_EXCEEDED';
    case 403:
      return byWords ?? 'NOT_LOGGED_IN';
    case 404:
      return byWords === null ? null : 'MODEL_UNAVAILABLE';
    case 413:
      return 'PROMPT_TOO_LONG';
    case 429:
      return byWords === 'QUOTA_EXCEEDED' ? byWords : 'RATE_LIMITED';
    case 500:
    case 502:
    case 503:
    case 504:
    case 529:
      return 'PROVIDER_UNAVAILABLE';
    default:
      return byWords;
  }
}

/** Where the status is only to be found in the words: `API Error: 529 …`, `status 401`, `(HTTP 503)`. */
function readStatus(said: string): number | undefined {
  const match = /\b(?:api error|status(?:[ _]?code)?|http|code)["']?[ :=(]{1,3}(?:http )?([45]\d\d)\b/i.exec(
    said,
  );
  return match === null ? undefined : Number(match[1]);
}

function explain(code: FaultCode, { title, login }: ProviderWords): string {
  switch (code) {
    case 'NOT_LOGGED_IN':
      return `${title} is not let in by its provider. ${login}`;
    case 'QUOTA_EXCEEDED':
      return `The quota of ${title} is used up. Wait until it is renewed, raise it, or let another agent do the task.`;
    case 'RATE_LIMITED':
      return `The provider of ${title} takes no more requests for now. It is tried again later; run fewer at once if this goes on.`;
    case 'PROVIDER_UNAVAILABLE':
      return `The provider of ${title} did not answer as it should. It is tried again later.`;
    case 'MODEL_UNAVAILABLE':
      return `The provider of ${title} has no such model for this account. Name another in the agent's configuration.`;
    case 'PROMPT_TOO_LONG':
      return `The task is too long for the model of ${title}. Split the task, or name a model that reads more.`;
  }
}

function quote({ message }: ProviderRefusal): string {
  const said = message.trim().replace(/\s+/g, ' ');
  if (said === '') return '';
  const kept = said.slice(0, QUOTED_LENGTH_MAX);
  return `It said: ${kept.isWellFormed() ? kept : kept.slice(0, -1)}${said.length > kept.length ? '…' : ''}`;
}
