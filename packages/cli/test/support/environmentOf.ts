import { TOKEN } from '../../../daemon/test/worker/support/testServer.js';

/** What leads a command under test to the server of its test, with the directory of the test as home. */
export function environmentOf(work: {
  readonly directory: string;
  readonly server: { readonly url: string };
}) {
  return { NEOLITH_HOME: work.directory, NEOLITH_URL: work.server.url, NEOLITH_TOKEN: TOKEN };
}
