export { DAEMON_METRICS, type DaemonMetricRow } from './daemonMetricTable.js';
export { renderDaemonMetrics } from './renderDaemonMetrics.js';
export { type DaemonMetricsServer, serveDaemonMetrics } from './serveDaemonMetrics.js';
