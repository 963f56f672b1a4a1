import { isMainThread } from 'node:worker_threads'
import { HOST_MARKER } from './protocol.js'

const runner = /[\\/]node-runner\.mjs$/
const motiaChild = /[\\/](node-runner|get-config|can-access)\.mjs$/

const script = (): string => process.argv[1] ?? ''
const hasChannel = (): boolean => isMainThread && typeof process.send === 'function'

/** Whether this is one of the processes that Motia starts for a step: nothing may be opened here. */
export const isStepProcess = (): boolean => motiaChild.test(script()) && (hasChannel() || !isMainThread)

/** Why the cache can't be reached from here and what to do; undefined where it can. */
export const whyUnreachable = (): string | undefined => {
  if (!isMainThread) return 'a worker thread has no way to the cache: use it in the step itself and pass the values on'
  if (!isStepProcess()) {
    return "'motia-redis/step' works inside Motia steps; in the server process (motia.config.ts, loaders, tests) use the `cache` that redisTiers() returns"
  }
  // Motia takes any message of these processes for their result.
  if (!runner.test(script())) return 'the cache can be used when a step runs, not while Motia only reads its config'
  if (process.env[HOST_MARKER] === undefined) {
    return 'no motia-redis plugin is loaded in this server: add `plugins: [tiers.plugin]` to the config in motia.config.ts'
  }
  return undefined
}
