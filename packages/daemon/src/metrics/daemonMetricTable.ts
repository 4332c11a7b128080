/** One metric of a daemon; docs/guides/operate.md has a row for each. */
export interface DaemonMetricRow {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly labels: readonly string[];
}

/** What a daemon tells of itself. No label names a task or an attempt. */
export const DAEMON_METRICS = {
  up: {
    name: 'neolith_daemon_up',
    type: 'gauge',
    help: 'Whether it is active: 1 while it claims, 0 while it starts, drains or has stopped.',
    labels: [],
  },
  slots: {
    name: 'neolith_daemon_slots',
    type: 'gauge',
    help: 'Slots by state: taken and free.',
    labels: ['state'],
  },
  attempts: {
    name: 'neolith_daemon_attempts',
    type: 'gauge',
    help: 'Attempts it is at, by phase: running, ending, merging, settling.',
    labels: ['phase'],
  },
  ended: {
    name: 'neolith_daemon_attempts_ended_total',
    type: 'counter',
    help: 'Attempts that ended since it started, by result.',
    labels: ['result'],
  },
  agentMemory: {
    name: 'neolith_daemon_agent_memory_bytes',
    type: 'gauge',
    help: 'Memory of the agents with everything they started, by agent, as of their last look (every 15 s).',
    labels: ['agent'],
  },
  agentProcessors: {
    name: 'neolith_daemon_agent_processors',
    type: 'gauge',
    help: 'How many processors the agents keep busy, by agent; 1 is one of them.',
    labels: ['agent'],
  },
  agentProcesses: {
    name: 'neolith_daemon_agent_processes',
    type: 'gauge',
    help: 'How many processes the agents are, by agent.',
    labels: ['agent'],
  },
  callsFailed: {
    name: 'neolith_daemon_calls_failed_total',
    type: 'counter',
    help: 'Calls to the server that failed since it started, by call and error code.',
    labels: ['call', 'code'],
  },
  heartbeatAge: {
    name: 'neolith_daemon_heartbeat_age_seconds',
    type: 'gauge',
    help: 'Since the server answered a heartbeat; missing before the first. Beyond the lease (30 s) its tasks go to others.',
    labels: [],
  },
} as const satisfies Record<string, DaemonMetricRow>;
