/** Settings of postgresql.conf by name. */
export type ServerSettings = Readonly<Record<string, string | number>>;

/**
 * What suits a work queue on a small machine that it shares with its clients. Given on the command line of the
 * server, so that a data directory made by an older version gets today's values.
 */
export const QUEUE_SETTINGS: ServerSettings = {
  // Durable: what was answered with success survives a power cut. Spelled out, for nobody to lose it by accident.
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',

  // Loopback only, and no socket file: /tmp may be another user's, and the path limit is 107 bytes.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',

  // Server, daemons, tests and a curious psql; an idle connection costs a few MB.
  max_connections: 200,

  // The hot tables and their indexes, with room; the rest is the operating system's cache.
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '8MB',
  maintenance_work_mem: '128MB',
  random_page_cost: 1.1,

  // Narrow tables rewritten all the time: rare checkpoints mean fewer full pages in the log. 2 GB replay in
  // well under a minute after a crash.
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '10min',

  // A claim deletes and a completion inserts: head probes slow down with every dead row they step over, so
  // vacuum small and often. Thresholds stand on the tables.
  autovacuum_naptime: '5s',
  autovacuum_vacuum_cost_delay: '1ms',

  // Statements take well under a millisecond: compiling one, or forking workers for it, costs more than it.
  jit: 'off',
  max_parallel_workers_per_gather: 0,

  timezone: 'UTC',
  log_timezone: 'UTC',
  // No statement, no row: their values are the users' and don't belong in a log.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
};

/** For databases that live as long as a test run: nothing survives a power cut, everything is faster. */
export const THROWAWAY_SETTINGS: ServerSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_wal_size: '1GB',
};
