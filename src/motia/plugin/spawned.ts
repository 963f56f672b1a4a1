import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { StepChild } from './session.js'

/** What a step's process was told when it was started. */
export interface Spawned {
  /** The file it runs: of a TypeScript step the compiled one. */
  readonly file: string
  readonly traceId: string | undefined
}

/** Motia's own programs, one for each language; the step's file and a JSON follow them. */
const runner = /[\\/](node-runner\.mjs|python-runner\.py|ruby-runner\.rb)$/

/** Calls back for each process that Motia starts to run a step. Answers how to stop that. */
export const onStepProcess = (found: (child: StepChild, spawned: Spawned) => void): (() => void) => {
  const onSpawn = (message: unknown): void => {
    const { process: child } = message as { process: StepChild & { readonly spawnargs?: readonly string[] } }
    // It is announced before it is spawned: only afterwards are its arguments and its channel there.
    queueMicrotask(() => {
      const spawned = readArguments(child.spawnargs ?? [])
      if (spawned !== undefined && child.pid !== undefined && child.connected) found(child, spawned)
    })
  }
  subscribe('child_process', onSpawn)
  return () => void unsubscribe('child_process', onSpawn)
}

/** Undefined: it runs no step. */
export const readArguments = (args: readonly string[]): Spawned | undefined => {
  const at = args.findIndex((argument) => runner.test(argument))
  if (at < 0) return undefined
  return { file: args[at + 1] ?? '', traceId: traceIdIn(args[at + 2] ?? '') }
}

/**
 * The JSON holds what the step was called with, and that may be large: so it isn't parsed. The trace's id follows it,
 * and inside of a text its name would be escaped.
 */
const traceIdIn = (json: string): string | undefined => {
  const name = '"traceId":"'
  const at = json.lastIndexOf(name)
  return at < 0 ? undefined : /^[\w-]{1,128}/.exec(json.slice(at + name.length, at + name.length + 129))?.[0]
}
