import type { NewOrchestrator } from '@neolith/contracts';

export interface DemoOrchestrator extends NewOrchestrator {
  /** How the demo tasks call it. */
  readonly key: 'engineering' | 'design' | 'operations' | 'research';
}

export const DEMO_CHANNELS = [
  { name: 'product', purpose: 'What we build next, and why' },
  { name: 'platform', purpose: 'Keeping it running: releases, incidents, costs' },
  { name: 'insights', purpose: 'What customers do and say' },
] as const;

export const DEMO_ORCHESTRATORS: readonly DemoOrchestrator[] = [
  {
    key: 'engineering',
    name: 'Ada',
    role: 'VP of Engineering',
    discipline: 'Engineering',
    capabilities: ['typescript', 'postgresql', 'code review', 'testing'],
    maxConcurrentTasks: 2,
    timeZone: 'Europe/Berlin',
    charter: {
      mission: 'Ship a checkout that never loses an order.',
      vision: 'Every change reaches customers within a day, and nobody is afraid of it.',
      values: ['Small steps', 'Tests before opinions', 'Leave it cleaner than you found it'],
      expertise: ['Distributed systems', 'API design', 'Performance'],
    },
  },
  {
    key: 'design',
    name: 'Grace',
    role: 'VP of Design',
    discipline: 'Design',
    capabilities: ['interaction design', 'accessibility', 'copywriting'],
    maxConcurrentTasks: 1,
    timeZone: 'America/New_York',
    charter: {
      mission: 'Make buying so plain that nobody needs help.',
      vision: 'One look, one language, on every screen.',
      values: ['Clarity over cleverness', 'Everybody can use it', 'Show, then tell'],
      expertise: ['Design systems', 'Usability studies', 'Accessibility'],
    },
  },
  {
    key: 'operations',
    name: 'Linus',
    role: 'VP of Operations',
    discipline: 'Operations',
    capabilities: ['kubernetes', 'observability', 'incident response', 'cost control'],
    maxConcurrentTasks: 2,
    timeZone: 'Asia/Tokyo',
    charter: {
      mission: 'Keep the shop open, at a price we can afford.',
      vision: 'Nights without pages.',
      values: ['Automate the second time', 'Rehearse failure', 'Write it down'],
      expertise: ['Reliability', 'Security', 'Capacity planning'],
    },
  },
  {
    key: 'research',
    name: 'Rosalind',
    role: 'VP of Customer Insight',
    discipline: 'Research',
    capabilities: ['sql', 'statistics', 'interviews'],
    maxConcurrentTasks: 1,
    timeZone: 'Australia/Sydney',
    charter: {
      mission: 'Know what customers need before they have to say it.',
      vision: 'No big decision without evidence.',
      values: ['Ask, don’t guess', 'Small samples, honest error bars', 'Publish what went wrong'],
      expertise: ['Experiments', 'Survey design', 'Forecasting'],
    },
  },
];
