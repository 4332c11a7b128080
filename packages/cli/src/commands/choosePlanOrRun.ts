import { CommandError } from '../output/commandError.js';

/** What a command is about: a plan, by its path, or a run that exists. */
export type PlanOrRun = { readonly plan: string } | { readonly run: string };

/** Exactly one has to be named. */
export function choosePlanOrRun(plan: string | undefined, run: string | undefined): PlanOrRun {
  if (plan !== undefined && run === undefined) return { plan };
  if (run !== undefined && plan === undefined) return { run };
  throw new CommandError(
    'usage',
    'SETTINGS_CONTRADICT',
    'Name either a plan, or a run that exists by --run RUN.',
  );
}
