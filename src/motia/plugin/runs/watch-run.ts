import type { StepChild } from '../session.js'
import { describeUse } from './cache-use.js'
import type { Run } from './workflows.js'

/**
 * Sees how a step's process ends. Motia's runner says so in a message of its own (`close`, with an error where the
 * handler threw), whereupon Motia kills it; a process that is gone without it was killed from outside or by Motia's
 * timeout, unless it ended by itself with code 0.
 *
 * What the run did with the cache is then put into its trace, as a line of the step's own logger at level debug: in its
 * name, so that the step itself is done without it. Motia writes it where it writes those lines, or drops it.
 */
export const watchRun = (child: StepChild, run: Run): void => {
  const end = (failed: boolean): void => {
    child.off('message', onMessage)
    child.off('exit', onExit)
    child.off('disconnect', onSilence)
    run.ended(failed)
    if (run.use.calls > 0) child.emit('message', summary(run))
  }
  const onMessage = (message: unknown): void => {
    const closing = closingOf(message)
    if (closing !== undefined) end(closing.failed)
  }
  const onExit = (code: number | null): void => {
    if (code !== 0) end(true)
    // Of what it said last something may still be on its way.
    else if (child.connected) child.once('disconnect', onSilence)
    else end(false)
  }
  const onSilence = (): void => end(false)
  // Before Motia's own listener, which ends the trace, or even forgets who listens.
  child.prependListener('message', onMessage)
  child.on('exit', onExit)
}

/** Undefined: the message is another one. */
const closingOf = (message: unknown): { readonly failed: boolean } | undefined => {
  if (typeof message !== 'object' || message === null) return undefined
  const { type, method, args } = message as { type?: unknown; method?: unknown; args?: unknown }
  return type === 'rpc_request' && method === 'close' ? { failed: Boolean(args) } : undefined
}

const summary = (run: Run): object => ({
  type: 'rpc_request',
  method: 'log',
  args: { level: 'debug', msg: describeUse(run), cache: { ...run.use, slowest: run.slowest } },
})
