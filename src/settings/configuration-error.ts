import { writeSync } from 'node:fs'
import { escapeControl } from '../report.js'

/** A wrong configuration: every fault of it, one a line. Holds no cause and no value that may be a secret. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'

  constructor(faults: readonly string[]) {
    super(textOf(faults))
    // Frames of this package would only push the faults out of sight.
    this.stack = `${this.name}: ${this.message}`
  }
}

const textOf = (faults: readonly string[]): string =>
  [
    faults.length === 1
      ? 'motia-redis: one fault in the configuration'
      : `motia-redis: ${faults.length} faults in the configuration`,
    ...faults.map((fault) => `  - ${escapeControl(fault)}`),
  ].join('\n')

/** The texts, and how much had been written when each was thrown. */
const remembered = new Map<string, number>()

/**
 * Prints the error once more when the process exits: Motia lets the first print scroll away. The same text only once,
 * and not if the first print is the last thing to be seen anyway.
 */
export const rememberForExit = (error: ConfigurationError): void => {
  if (remembered.size === 0) {
    process.once('exit', printRemembered)
    // Node prints the error that ends the process by itself, after 'exit'.
    process.on('uncaughtExceptionMonitor', forget)
  }
  if (!remembered.has(error.message)) remembered.set(error.message, written())
}

const forget = (error: unknown): void => {
  const goesOn = process.listenerCount('uncaughtException') > 0
  if (error instanceof ConfigurationError && !goesOn) remembered.delete(error.message)
}

/** Bytes that went through both streams so far. NaN where one doesn't count them, as a file doesn't. */
const written = (): number => process.stdout.bytesWritten + process.stderr.bytesWritten

/** What whoever prints an error may add to its text, such as "Failed to load motia.config.ts:". */
const AROUND = 120

const isInSight = (text: string, before: number): boolean => {
  const rest = written() - before - Buffer.byteLength(text)
  return rest >= 0 && rest <= AROUND
}

const printRemembered = (): void => {
  for (const [text, before] of remembered) {
    if (isInSight(text, before)) continue
    try {
      // Synchronous: nothing asynchronous runs any more.
      writeSync(2, `\n${text}\n`)
    } catch {
      // Standard error is closed: there is nobody left to tell.
      return
    }
  }
}
