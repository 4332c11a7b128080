import type { Contestant } from './contestant.js';
import type { ContestantSettings } from './contestantSettings.js';

/** Loads and opens one; only its own library is loaded, for some need a newer Node than others. */
export async function openContestant(settings: ContestantSettings): Promise<Contestant> {
  switch (settings.kind) {
    case 'neolith':
      return (await import('./neolithContestant.js')).neolithContestant(settings);
    case 'graphile-worker':
      return (await import('./graphileContestant.js')).graphileContestant(settings);
    case 'pg-boss':
      return (await import('./pgBossContestant.js')).pgBossContestant(settings);
    case 'bullmq':
      return (await import('./bullmqContestant.js')).bullmqContestant(settings);
  }
}
