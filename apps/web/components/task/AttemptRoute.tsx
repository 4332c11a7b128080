import { TaskText } from '@/components/ui/TaskText';
import type { AttemptJson } from '@/lib/wire';

/** How a person reads what a decision says of an agent. */
const STATES: Readonly<Record<NonNullable<AttemptJson['route']>['candidates'][number]['state'], string>> = {
  chosen: 'chosen',
  next: 'next in line',
  waiting: 'another one first',
  held: 'held back',
  busy: 'has its hands full',
  absent: 'not there',
};

/** Why an attempt was given to its agent, and what of the others. */
export function AttemptRoute({ route }: { route: AttemptJson['route'] }) {
  if (route === undefined) return null;
  return (
    <details className="mt-1 text-xs text-ink-soft" data-route={route.strategy}>
      <summary className="cursor-pointer text-ink-faint">
        {route.agent === null ? 'Why nobody' : 'Why this agent'}
      </summary>
      <p className="foreign mt-1">
        <TaskText text={route.reason} />
      </p>
      <ul className="mt-1 space-y-0.5">
        {route.candidates.map(({ agent, state, reason }) => (
          <li key={agent} className="foreign">
            <TaskText text={agent} />: {STATES[state]}
            {reason === '' ? null : (
              <>
                {' '}
                (<TaskText text={reason} />)
              </>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
