import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { StepChild } from './session.js'

/** Calls back for each process that Motia starts to run a step. Answers how to stop that. */
export const onStepProcess = (found: (child: StepChild) => void): (() => void) => {
  const onSpawn = (message: unknown): void => {
    const { process: child } = message as { process: StepChild & { readonly spawnargs?: readonly string[] } }
    // It is announced before it is spawned: only afterwards are its arguments and its channel there.
    queueMicrotask(() => {
      const runsStep = child.spawnargs?.some((argument) => /[\\/]node-runner\.mjs$/.test(argument))
      if (runsStep === true && child.pid !== undefined && child.connected) found(child)
    })
  }
  subscribe('child_process', onSpawn)
  return () => void unsubscribe('child_process', onSpawn)
}
