import { HOST_MARKER } from './protocol.js'

const runner = /[\\/]node-runner\.mjs$/
const motiaChild = /[\\/](node-runner|get-config|can-access)\.mjs$/

const script = (): string => process.argv[1] ?? ''

/** Whether this is one of the processes that Motia starts for a step: nothing may be opened here. */
export const isStepProcess = (): boolean => motiaChild.test(script()) && typeof process.send === 'function'

/** Why the cache can't be reached from here and what to do; undefined where it can. */
export const whyUnreachable = (): string | undefined => {
  // Also true in a worker thread of a step: it has another script and no channel.
  if (!isStepProcess()) {
    return "'motia-redis/step' works in the main thread of a Motia step; in the server process (motia.config.ts, loaders, tests) use the `cache` that redisTiers() returns"
  }
  // Motia takes any message of its other processes for their result.
  if (!runner.test(script())) return 'the cache can be used when a step runs, not while Motia only reads its config'
  if (process.env[HOST_MARKER] === undefined) {
    return 'no motia-redis plugin is loaded in this server: add `plugins: [tiers.plugin]` to the config in motia.config.ts'
  }
  return undefined
}
