import type { Action, Outcome, World } from './world.js';

/** A call under way: it comes when it comes, and nobody waits for its answer any more. */
interface UnderWay {
  action: Action;
  /** By whom it was sent, for the story. */
  what: string;
}

/** Null: no answer came, and nobody knows whether the call did. */
export type Answer = Outcome | null;

const FATES = { arrives: 76, 'is lost': 5, 'loses its answer': 7, 'comes twice': 6, 'comes late': 6 };

/** What stands between daemons and the engine: it loses calls and answers, doubles them, and delivers them late. */
export class Network {
  readonly underWay: UnderWay[] = [];

  constructor(readonly world: World) {}

  /** Sends a call; the answer is null where the sender gave up waiting for it. */
  async send(action: Action): Promise<Answer> {
    const { world } = this;
    const fate = world.stormy ? world.random.weighted(FATES) : 'arrives';
    if (fate === 'arrives') return world.perform(action);
    world.tally.count(world.tally.faults, `a call ${fate}`);
    switch (fate) {
      case 'is lost':
        world.story.tell(`   ${action.who}: ${action.what} is lost on its way`);
        return null;
      case 'loses its answer':
        await world.perform({ ...action, what: `${action.what} (the answer is lost)` });
        return null;
      case 'comes twice': {
        const first = await world.perform(action);
        await world.perform({
          ...action,
          what: `${action.what} (once more)`,
          judge: (moment, outcome) => [
            ...(action.judge?.(moment, outcome) ?? []),
            ...(JSON.stringify(moment.before) === JSON.stringify(moment.after)
              ? []
              : [`the same call once more changed something: ${JSON.stringify(moment.events)}`]),
            ...(outcome.ok || !first.ok
              ? []
              : [`the same call once more was refused with ${outcome.error.code}`]),
          ],
        });
        return first;
      }
      case 'comes late':
        world.story.tell(`   ${action.who}: ${action.what} is held up`);
        this.underWay.push({ action, what: action.what });
        return null;
    }
  }

  /** One of the calls under way arrives: any of them, so that they overtake each other. */
  async deliver(): Promise<void> {
    const { world } = this;
    const place = world.random.int(this.underWay.length);
    const [late] = this.underWay.splice(place, 1);
    if (late !== undefined) await world.perform({ ...late.action, what: `${late.what} (late)` });
  }
}
