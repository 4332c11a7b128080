import { buildPackages } from '../../../daemon/test/worker/support/buildForChildren.js';

export default function buildCommand(): void {
  buildPackages(['contracts', 'telemetry', 'database', 'daemon', 'cli']);
}
