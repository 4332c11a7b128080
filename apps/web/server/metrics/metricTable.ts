import { NOTHING_REASONS } from '@neolith/contracts';

/** One metric: the registry is made from these rows, and docs/guides/operate.md has a row for each. */
export interface MetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds, seconds; of histograms. */
  readonly buckets?: readonly number[];
}

/** Reasons as label values. */
export const CLAIM_RESULTS = ['claimed', ...NOTHING_REASONS.map((reason) => reason.toLowerCase())];

const CALL_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 30];
/** From a second to eight hours. */
const ATTEMPT_BUCKETS = [1, 5, 15, 60, 180, 600, 1_800, 3_600, 10_800, 28_800];
const WORK_BUCKETS = [0.005, 0.025, 0.1, 0.5, 2.5, 10];

/** What this process did since it started. Every label has few values, and none comes from a caller. */
export const PROCESS_METRICS = {
  claims: {
    name: 'neolith_claims_total',
    type: 'counter',
    help: 'Claims by result: claimed, or why nothing was handed out. A long poll looks several times.',
    labels: ['result'],
  },
  claimedTasks: {
    name: 'neolith_claimed_tasks_total',
    type: 'counter',
    help: 'Tasks that claims handed out.',
    labels: [],
  },
  claimSeconds: {
    name: 'neolith_claim_seconds',
    type: 'histogram',
    help: 'How long one claim took, its wait for work apart.',
    labels: [],
    buckets: CALL_BUCKETS,
  },
  attemptsEnded: {
    name: 'neolith_attempts_ended_total',
    type: 'counter',
    help: 'Attempts that ended, by status and, where they failed, by failure class.',
    labels: ['status', 'failure_class'],
  },
  attemptSeconds: {
    name: 'neolith_attempt_duration_seconds',
    type: 'histogram',
    help: 'How long attempts took, from the claim to their end, by the status they ended with.',
    labels: ['status'],
    buckets: ATTEMPT_BUCKETS,
  },
  leasesLost: {
    name: 'neolith_leases_lost_total',
    type: 'counter',
    help: 'Leases that ran out without a sign of life; counted by the replica whose sweep took them back.',
    labels: [],
  },
  parked: {
    name: 'neolith_tasks_parked_total',
    type: 'counter',
    help: 'Tasks that became dead letters: their budget was spent, and they wait for a person.',
    labels: [],
  },
  deadlocks: {
    name: 'neolith_resource_deadlocks_total',
    type: 'counter',
    help: 'Circles of attempts that waited for each other, each broken by one that gave way.',
    labels: [],
  },
  merges: {
    name: 'neolith_merges_total',
    type: 'counter',
    help: 'Merges by outcome: merged or failed.',
    labels: ['outcome'],
  },
  calls: {
    name: 'neolith_http_calls_total',
    type: 'counter',
    help: 'Calls of the API by endpoint and HTTP status.',
    labels: ['endpoint', 'status'],
  },
  callSeconds: {
    name: 'neolith_http_call_seconds',
    type: 'histogram',
    help: 'How long calls took, by endpoint; of long polls with their wait, of streams until they were open.',
    labels: ['endpoint'],
    buckets: CALL_BUCKETS,
  },
  streamsOpen: {
    name: 'neolith_event_streams_open',
    type: 'gauge',
    help: 'Event streams that are open: events (dashboards) and control (daemons).',
    labels: ['stream'],
  },
  rounds: {
    name: 'neolith_loop_rounds_total',
    type: 'counter',
    help: 'Rounds of the background loops, by outcome: done, skipped (another replica was at it), failed.',
    labels: ['loop', 'outcome'],
  },
  roundSeconds: {
    name: 'neolith_loop_round_seconds',
    type: 'histogram',
    help: 'How long a round took that was done.',
    labels: ['loop'],
    buckets: WORK_BUCKETS,
  },
  lastRound: {
    name: 'neolith_loop_last_done_timestamp_seconds',
    type: 'gauge',
    help: 'When this replica last did a round; Unix time.',
    labels: ['loop'],
  },
  faults: {
    name: 'neolith_sweep_faults_total',
    type: 'counter',
    help: 'What a sweep could not do while it went on with everything else, by step; the log names each.',
    labels: ['step'],
  },
  repairs: {
    name: 'neolith_repairs_total',
    type: 'counter',
    help: 'What background work mended: leases taken back, delayed tasks promoted, runs moved, tasks and counts that had drifted, resources and waits of attempts that had ended, daemons that fell silent.',
    labels: ['kind'],
  },
} as const satisfies Record<string, MetricRow>;

/** As of the scrape; the queues as of some seconds before, and only those of the token's workspace. */
export const SCRAPE_METRICS = {
  buildInfo: {
    name: 'neolith_build_info',
    type: 'gauge',
    help: 'Always 1; the version is its label.',
    labels: ['version'],
  },
  databaseUp: {
    name: 'neolith_database_up',
    type: 'gauge',
    help: 'Whether the database answered this scrape. Without it the figures of queues are missing.',
    labels: [],
  },
  poolConnections: {
    name: 'neolith_database_pool_connections',
    type: 'gauge',
    help: 'Connections of the pools of this process: in_use and idle. vital: for heartbeats and renewals alone; keyed: for calls with an idempotency key.',
    labels: ['pool', 'state'],
  },
  poolMax: {
    name: 'neolith_database_pool_max_connections',
    type: 'gauge',
    help: 'How many connections a pool may have.',
    labels: ['pool'],
  },
  poolWaiting: {
    name: 'neolith_database_pool_waiting',
    type: 'gauge',
    help: 'Statements (of the pool keyed: calls) that wait for a connection.',
    labels: ['pool'],
  },
  figuresAge: {
    name: 'neolith_queue_figures_age_seconds',
    type: 'gauge',
    help: 'How old the figures of queues, runs and daemons are.',
    labels: [],
  },
  queueTasks: {
    name: 'neolith_queue_tasks',
    type: 'gauge',
    help: 'Open tasks by orchestrator and state (ready, delayed, blocked, running), each counted up to 10,000. The first 100 orchestrators by age; all others are one, named "other".',
    labels: ['orchestrator', 'name', 'state'],
  },
  queueOldest: {
    name: 'neolith_queue_oldest_ready_seconds',
    type: 'gauge',
    help: 'For how long the task has been claimable that has been so for longest; tasks of paused runs aside. 0: nothing waits.',
    labels: ['orchestrator', 'name'],
  },
  breakerStatus: {
    name: 'neolith_breaker_status',
    type: 'gauge',
    help: '1 for the status that a breaker is in (closed, open, half_open), 0 for the others; of 100 breakers at most.',
    labels: ['agent', 'provider', 'status'],
  },
  resourcesHeld: {
    name: 'neolith_resources_held',
    type: 'gauge',
    help: 'Resources that attempts hold, counted up to 10,000.',
    labels: [],
  },
  resourcesWaiting: {
    name: 'neolith_resource_waits',
    type: 'gauge',
    help: 'Who waits for resources: attempts that asked for more, and tasks that have not begun.',
    labels: ['who'],
  },
  resourcesOldest: {
    name: 'neolith_resource_oldest_wait_seconds',
    type: 'gauge',
    help: 'For how long the one has waited for resources that has done so for longest. 0: nobody waits.',
    labels: [],
  },
  runsOpen: {
    name: 'neolith_runs_open',
    type: 'gauge',
    help: 'Runs that are RUNNING, PAUSED or QUARANTINED; the last wait for a person.',
    labels: ['status'],
  },
  unassigned: {
    name: 'neolith_tasks_unassigned',
    type: 'gauge',
    help: 'Open tasks that no orchestrator has been given, so that nobody claims them; ready, delayed and blocked each counted up to 10,000.',
    labels: [],
  },
  daemonsAlive: {
    name: 'neolith_daemons_alive',
    type: 'gauge',
    help: 'Daemons that were heard within the last minute.',
    labels: [],
  },
} as const satisfies Record<string, MetricRow>;
