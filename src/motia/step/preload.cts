/*
 * Runs in every node process below the server (NODE_OPTIONS), so it must do nothing, fast, unless this is the process
 * of a step. There the wrapper takes the step file's place in the runner's arguments, and imports the step itself.
 *
 * CommonJS, because Node loads that with far less ado than a module; and so that the client can be loaded at once when
 * a step looks at `context.cache`, and not at all where none does.
 */
const INJECTION = Symbol.for('motia-redis.injection')
const shared = globalThis as { [INJECTION]?: object }
const [, runner, file] = process.argv

if (
  typeof process.send === 'function' &&
  file !== undefined &&
  /[\\/]node-runner\.mjs$/.test(runner ?? '') &&
  shared[INJECTION] === undefined
) {
  shared[INJECTION] = {
    file,
    url: () => require('node:url').pathToFileURL(require('node:path').resolve(file)).href,
    client: () => require('./client.cjs'),
  }
  process.argv[2] = `${__dirname}/wrapper.mjs`
}
