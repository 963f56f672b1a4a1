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

/** With what the server's V8 made of it (see plugin/client-code.ts), else from the package. */
const client = (): object => {
  const path = `${__dirname}/client.cjs`
  let load: (...args: unknown[]) => void
  try {
    const code: Buffer = require('node:fs').readFileSync(process.env.MOTIA_REDIS_CLIENT_CODE)
    const { Script } = require('node:vm')
    const end = 4 + code.readUInt32LE(0)
    load = new Script(code.toString('utf8', 4, end), {
      filename: path,
      cachedData: code.subarray(end),
    }).runInThisContext()
  } catch {
    return require('./client.cjs') // the server made none, or has ended
  }
  const module = { exports: {} }
  load(module.exports, require, module, path, __dirname)
  return module.exports
}

if (
  typeof process.send === 'function' &&
  file !== undefined &&
  /[\\/]node-runner\.mjs$/.test(runner ?? '') &&
  shared[INJECTION] === undefined
) {
  shared[INJECTION] = {
    file,
    url: () => require('node:url').pathToFileURL(require('node:path').resolve(file)).href,
    client,
  }
  process.argv[2] = `${__dirname}/wrapper.mjs`
}
