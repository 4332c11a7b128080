// A process of its own for tests: does one thing with the compiled sources, prints the outcome as one line of JSON,
// then lives until it is killed (or ends, when the argument says so).
const [sources, operation, argument] = process.argv.slice(2);
const database = await import(`${sources}/index.js`);
const input = JSON.parse(argument);

const operations = {
  async start() {
    const log = [];
    const { outcome, url } = await database.startEmbeddedPostgres({
      ...input,
      log: (line) => log.push(line),
    });
    return { outcome, url, log };
  },
  migrate: () => database.migrate(input.url, input.options),
  async connect() {
    const opened = await database.connectDatabase(input.env, { log: () => undefined });
    const { rows } = await opened.pool.query('SELECT current_database() AS name');
    await opened.close();
    return rows[0];
  },
  async startTestServer() {
    const { startTestServer } = await import(`${sources}/testing/index.js`);
    const { templateUrl } = await startTestServer();
    return { templateUrl };
  },
};

const outcome = await operations[operation]().then(
  (value) => ({ value }),
  (error) => ({ error: { code: error.code, message: error.message } }),
);
console.log(JSON.stringify(outcome));
if (!input.thenEnd) setInterval(() => undefined, 60_000);
