import type { TaskPriority } from '@neolith/contracts';
import type { DEMO_CHANNELS, DemoOrchestrator } from './demoOrchestrators.js';

export interface DemoTask {
  readonly key: string;
  readonly title: string;
  readonly description: string;
  readonly owner: DemoOrchestrator['key'];
  readonly channel: (typeof DEMO_CHANNELS)[number]['name'];
  readonly priority: TaskPriority;
  readonly tags: readonly string[];
  /** Hours from now; negative is overdue; null for none. */
  readonly dueInHours: number | null;
  readonly dependsOn: readonly string[];
  readonly acceptanceCriteria: readonly string[];
  /** Reported blocked from the start, with a question to a person. */
  readonly blocked?: { readonly reason: string; readonly question: string };
}

type Row = readonly [
  key: string,
  title: string,
  priority: TaskPriority,
  dueInHours: number | null,
  tags: string,
  dependsOn?: string,
  description?: string,
];

type Place = Pick<DemoTask, 'owner' | 'channel'>;

const ENGINEERING: readonly Row[] = [
  [
    'orders-race',
    'Fix the double charge when two tabs submit one order',
    'CRITICAL',
    -20,
    'checkout bug',
    '',
    'Two submits within 200 ms create two payments. Make the order number the idempotency key and prove it with a concurrent test.',
  ],
  [
    'orders-retry',
    'Retry failed payment webhooks with backoff',
    'HIGH',
    4,
    'checkout payments',
    'orders-race',
  ],
  [
    'orders-audit',
    'Write an audit trail for every change of an order',
    'MEDIUM',
    60,
    'checkout',
    'orders-race',
  ],
  [
    'cart-split',
    'Split the cart service out of the monolith',
    'HIGH',
    160,
    'cart architecture',
    'cart-contract',
    'Behind a flag, with both paths running until the figures agree for a week.',
  ],
  ['cart-contract', 'Agree on the API contract of the cart service', 'HIGH', 30, 'cart api'],
  [
    'cart-load',
    'Load-test the new cart with ten times the usual traffic',
    'MEDIUM',
    240,
    'cart performance',
    'cart-split staging-twin',
  ],
  ['search-typos', 'Tolerate typos in product search', 'MEDIUM', 48, 'search', 'search-eval'],
  ['search-index', 'Rebuild the search index without downtime', 'HIGH', -3, 'search postgresql'],
  ['api-limits', 'Answer 429 with Retry-After when a key is over its limit', 'MEDIUM', 20, 'api'],
  ['deps-update', 'Update dependencies with known vulnerabilities', 'CRITICAL', 6, 'security'],
  ['flaky-tests', 'Find and mend the five flakiest tests', 'LOW', null, 'testing'],
  [
    'release-1',
    'Release checkout 2.0 to 5 % of customers',
    'CRITICAL',
    70,
    'checkout release',
    'orders-retry checkout-design runbook-checkout',
  ],
  [
    'release-2',
    'Release checkout 2.0 to everybody',
    'HIGH',
    200,
    'checkout release',
    'release-1 experiment-checkout',
  ],
];

const DESIGN: readonly Row[] = [
  [
    'checkout-design',
    'Design the one-page checkout',
    'HIGH',
    10,
    'checkout design',
    'checkout-interviews',
    'Address, delivery and payment on one page; works without a mouse; error texts that say what to do.',
  ],
  [
    'checkout-a11y',
    'Check the checkout with a screen reader',
    'HIGH',
    50,
    'checkout accessibility',
    'checkout-design',
  ],
  ['empty-states', 'Draw empty states for cart, orders and search', 'LOW', null, 'design cart'],
  ['tokens-dark', 'Add a dark theme to the design tokens', 'MEDIUM', 120, 'design-system'],
  ['icons', 'Replace the icon font by inline SVG', 'LOW', 300, 'design-system performance', 'tokens-dark'],
  ['emails', 'Rewrite the order e-mails in plain language', 'MEDIUM', -30, 'copy'],
  ['returns-flow', 'Sketch the returns flow on small screens', 'MEDIUM', 36, 'returns', 'returns-reasons'],
  ['brand-photos', 'Choose photos for the spring campaign', 'LOW', 15, 'marketing'],
];

const OPERATIONS: readonly Row[] = [
  [
    'db-upgrade',
    'Upgrade PostgreSQL to 18 on staging',
    'HIGH',
    8,
    'database',
    '',
    'Take a snapshot first. Compare the ten slowest statements before and after.',
  ],
  [
    'db-upgrade-prod',
    'Upgrade PostgreSQL to 18 in production',
    'HIGH',
    90,
    'database',
    'db-upgrade backup-drill',
  ],
  ['backup-drill', 'Restore last night’s backup into an empty cluster', 'CRITICAL', -1, 'database backup'],
  ['staging-twin', 'Give staging the shape of production', 'MEDIUM', 100, 'staging'],
  ['alerts-noise', 'Remove alerts that nobody acted upon for a month', 'MEDIUM', 26, 'observability'],
  ['traces', 'Trace a request from browser to database', 'MEDIUM', 65, 'observability', 'alerts-noise'],
  ['runbook-checkout', 'Write the runbook for checkout 2.0', 'HIGH', 40, 'checkout runbook', 'orders-retry'],
  ['cost-logs', 'Halve what we pay for log storage', 'LOW', 400, 'cost', 'traces'],
  ['tls', 'Renew certificates automatically on the edge', 'CRITICAL', 30, 'security'],
  ['secrets', 'Move build secrets out of repository settings', 'HIGH', -50, 'security', ''],
  [
    'chaos',
    'Rehearse the loss of one availability zone',
    'LOW',
    null,
    'reliability',
    'staging-twin backup-drill',
  ],
];

const RESEARCH: readonly Row[] = [
  [
    'checkout-interviews',
    'Interview eight customers who left the checkout',
    'HIGH',
    -8,
    'checkout interviews',
  ],
  [
    'experiment-checkout',
    'Compare checkout 2.0 with the old one at 5 %',
    'HIGH',
    150,
    'checkout experiment',
    'release-1',
  ],
  ['search-eval', 'Build a set of 300 judged search queries', 'MEDIUM', 18, 'search data'],
  ['returns-reasons', 'Find the five main reasons for returns', 'MEDIUM', 12, 'returns data'],
  ['forecast', 'Forecast orders for the next quarter', 'HIGH', 55, 'forecast'],
  [
    'forecast-stock',
    'Turn the forecast into a stock plan',
    'MEDIUM',
    130,
    'forecast',
    'forecast returns-reasons',
  ],
  ['nps', 'Explain the drop of the recommendation score in May', 'LOW', null, 'survey'],
  ['churn', 'Model which customers are about to leave', 'MEDIUM', 500, 'data', 'nps'],
];

const BLOCKED: Readonly<Record<string, NonNullable<DemoTask['blocked']>>> = {
  secrets: {
    reason: 'The vault has two projects that could be meant, and the repository names neither.',
    question: 'Do the build secrets go to the project "ci" or to "platform"?',
  },
  'brand-photos': {
    reason: 'The licence of twelve photos covers the web, but not print.',
    question: 'Is the spring campaign going to be printed as well?',
  },
  forecast: {
    reason: 'Sales of March are missing for the two shops that moved.',
    question: 'Shall I leave these shops out, or fill the gap from last year?',
  },
};

/** About forty tasks of a small shop that rebuilds its checkout: every priority, every deadline band, real orders. */
export const DEMO_TASKS: readonly DemoTask[] = [
  ...toTasks(ENGINEERING, { owner: 'engineering', channel: 'product' }),
  ...toTasks(DESIGN, { owner: 'design', channel: 'product' }),
  ...toTasks(OPERATIONS, { owner: 'operations', channel: 'platform' }),
  ...toTasks(RESEARCH, { owner: 'research', channel: 'insights' }),
];

function toTasks(rows: readonly Row[], place: Place): DemoTask[] {
  return rows.map(([key, title, priority, dueInHours, tags, dependsOn = '', description = '']) => ({
    ...place,
    key,
    title,
    description:
      description === '' ? `${title}. Say in the result what was found and what changed.` : description,
    priority,
    tags: tags.split(' '),
    dueInHours,
    dependsOn: dependsOn.split(' ').filter((id) => id !== ''),
    acceptanceCriteria:
      priority === 'CRITICAL'
        ? ['A test would fail without the change', 'The team was told in the channel']
        : [],
    ...(BLOCKED[key] === undefined ? {} : { blocked: BLOCKED[key] }),
  }));
}
