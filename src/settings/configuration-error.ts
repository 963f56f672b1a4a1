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

const remembered = new Set<string>()

/** Prints the error once more when the process exits: Motia lets the first print scroll away. The same text only once. */
export const rememberForExit = (error: ConfigurationError): void => {
  if (remembered.size === 0) process.once('exit', printRemembered)
  remembered.add(error.message)
}

const printRemembered = (): void => {
  for (const text of remembered) {
    try {
      // Synchronous: nothing asynchronous runs any more.
      writeSync(2, `\n${text}\n`)
    } catch {
      // Standard error is closed: there is nobody left to tell.
      return
    }
  }
}
