import { fileURLToPath } from 'node:url'

/*
 * Runs in every node process below the server (NODE_OPTIONS), so it must do nothing, fast, unless this is the process
 * of a step. There the wrapper takes the step file's place in the runner's arguments, and imports the step itself.
 */
const STEP_FILE = Symbol.for('motia-redis.step-file')
const shared = globalThis as { [STEP_FILE]?: string }
const [, runner, file] = process.argv

if (
  typeof process.send === 'function' &&
  file !== undefined &&
  /[\\/]node-runner\.mjs$/.test(runner ?? '') &&
  shared[STEP_FILE] === undefined
) {
  shared[STEP_FILE] = file
  process.argv[2] = fileURLToPath(new URL('./wrapper.js', import.meta.url))
}
