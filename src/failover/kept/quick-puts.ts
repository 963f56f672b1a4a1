import type { Instance } from '../../instances/instance.js'
import type { Script } from '../../instances/scripts.js'

/** More puts in one script would make the server's other clients wait. */
const MOST = 64
/** Characters of text after which a script is full. */
const MOST_TEXT = 64 * 1024

interface Batch {
  readonly keys: string[]
  readonly args: (string | number)[]
  readonly timeout: number | undefined
  text: number
  readonly resolves: ((done: boolean) => void)[]
  readonly rejects: ((error: unknown) => void)[]
}

/** False: something stands in its way, and nothing was done. */
export type QuickPut = (
  script: Script,
  keys: readonly string[],
  text: string,
  args: readonly (string | number)[],
  timeout: number | undefined,
) => Promise<boolean>

/**
 * Puts of one tick with the same script travel as one call of it: to call a script costs several times what is done
 * inside. `shared`: the key that comes before those of the puts.
 */
export const createQuickPuts = (instance: Instance, shared: string): QuickPut => {
  const open = new Map<Script, Batch>()

  const flush = (script: Script, batch: Batch): void => {
    if (open.get(script) === batch) open.delete(script)
    const { keys, args, timeout, resolves, rejects } = batch
    instance.script({ script, keys, args }, 'write', timeout === undefined ? undefined : { timeout }).then(
      (reply) => {
        const left = Array.isArray(reply) ? new Set<unknown>(reply) : undefined
        for (let i = 0; i < resolves.length; i++) resolves[i]?.(left?.has(i + 1) !== true)
      },
      (error) => {
        for (const reject of rejects) reject(error)
      },
    )
  }

  const begin = (script: Script, timeout: number | undefined): Batch => {
    const batch: Batch = { keys: [shared], args: [], timeout, text: 0, resolves: [], rejects: [] }
    open.set(script, batch)
    // After everything that is ready to run now, before any more I/O.
    process.nextTick(() => {
      if (open.get(script) === batch) flush(script, batch)
    })
    return batch
  }

  return (script, keys, text, args, timeout) =>
    new Promise((resolve, reject) => {
      const known = open.get(script)
      const fits = known !== undefined && known.timeout === timeout
      if (known !== undefined && !fits) flush(script, known)
      const batch = fits ? known : begin(script, timeout)
      batch.keys.push(...keys)
      batch.args.push(...args)
      batch.text += text.length
      batch.rejects.push(reject)
      if (batch.resolves.push(resolve) === MOST || batch.text >= MOST_TEXT) flush(script, batch)
    })
}
