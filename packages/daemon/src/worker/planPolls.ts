/** What is known of one orchestrator that the daemon serves. */
export interface PollState {
  readonly orchestratorId: string;
  /** A claim call is under way. */
  readonly polling: boolean;
  /** More work may lie there at once: never asked, or the last answer was as many as were asked for. */
  readonly eager: boolean;
  /** Not asked before this time; milliseconds of the clock that `now` comes from. */
  readonly notBeforeMs: number;
  /** When it was asked last; the longest unasked goes first. 0 for never. */
  readonly lastPolledMs: number;
}

export interface PollSituation {
  readonly nowMs: number;
  /** How many agents may run at once. */
  readonly slots: number;
  /** How many slots are taken: by agents, and by what claim calls under way may still bring. */
  readonly taken: number;
  readonly orchestrators: readonly PollState[];
  /** The longest a claim call may wait for work, in seconds. */
  readonly waitSecondsMax: number;
}

export interface PlannedPoll {
  readonly orchestratorId: string;
  /** At most so many tasks; the sum of all never exceeds the free slots. */
  readonly max: number;
  /** 0 where it is only a look: somebody else can use the slot at once. */
  readonly waitSeconds: number;
}

/** The most that one claim may ask for. */
const CLAIM_MAX = 100;
/** With more idle orchestrators than free slots they take turns of this length. */
const TURN_SECONDS = 1;

/**
 * Which orchestrators to ask now, for how many tasks, and how long to wait. Pure.
 *
 * Each gets one slot in turn, the longest unasked first; what is left over goes round among those that have more
 * work. An idle one reserves a single slot while it waits, so that the others can use the rest; where no free slot
 * is left for one that has work, it is only looked at.
 *
 * Example: 4 slots, A with much work, B idle. A is asked for 3, B only looked at; B having nothing, A gets the 4th.
 */
export function planPolls(situation: PollSituation): PlannedPoll[] {
  const { nowMs, waitSecondsMax } = situation;
  let free = situation.slots - situation.taken;
  if (free <= 0) return [];
  const due = situation.orchestrators
    .filter((one) => !one.polling && one.notBeforeMs <= nowMs)
    .sort((a, b) => a.lastPolledMs - b.lastPolledMs);
  const chosen = due.slice(0, free);
  free -= chosen.length;

  const shares = new Map(chosen.map((one) => [one.orchestratorId, 1]));
  const eager = chosen.filter((one) => one.eager);
  for (let index = 0; free > 0 && eager.length > 0; index += 1) {
    const one = eager[index % eager.length];
    if (one === undefined) break;
    const share = shares.get(one.orchestratorId) ?? 0;
    if (share >= CLAIM_MAX) break;
    shares.set(one.orchestratorId, share + 1);
    free -= 1;
  }

  const leftOut = due.slice(chosen.length);
  const someoneHungers = free === 0 && due.some((one) => one.eager);
  const waitIdle = someoneHungers
    ? 0
    : leftOut.length > 0
      ? Math.min(TURN_SECONDS, waitSecondsMax)
      : waitSecondsMax;
  return chosen.map((one) => ({
    orchestratorId: one.orchestratorId,
    max: shares.get(one.orchestratorId) ?? 1,
    waitSeconds: one.eager ? 0 : waitIdle,
  }));
}
