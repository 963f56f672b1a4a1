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
  run: Run | undefined
}

/** Puts that follow each other at the same keys, to different fields: the script gets them as one. */
interface Run {
  readonly key: string
  readonly fields: Set<string>
  /** Where their number is, before what they bring. */
  readonly at: number
}

export interface Put {
  readonly script: Script
  readonly keys: readonly string[]
  /** By whose length it is told when a script is full. */
  readonly text: string
  readonly args: readonly (string | number)[]
  /** The script gets runs of puts: the keys, the number of puts and what each brings. The field to which this one is. */
  readonly field?: string
}

/** False: something stands in its way, and nothing was done. */
export type QuickPut = (put: Put, timeout: number | undefined) => Promise<boolean>

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
    const batch: Batch = { keys: [shared], args: [], timeout, text: 0, resolves: [], rejects: [], run: undefined }
    open.set(script, batch)
    // After everything that is ready to run now, before any more I/O.
    process.nextTick(() => {
      if (open.get(script) === batch) flush(script, batch)
    })
    return batch
  }

  return (put, timeout) =>
    new Promise((resolve, reject) => {
      const { script, text } = put
      const known = open.get(script)
      const fits = known !== undefined && known.timeout === timeout
      if (known !== undefined && !fits) flush(script, known)
      const batch = fits ? known : begin(script, timeout)
      add(batch, put)
      batch.text += text.length
      batch.rejects.push(reject)
      if (batch.resolves.push(resolve) === MOST || batch.text >= MOST_TEXT) flush(script, batch)
    })
}

const add = (batch: Batch, { keys, args, field }: Put): void => {
  const { run } = batch
  if (field === undefined) batch.keys.push(...keys)
  else if (run !== undefined && run.key === keys[0] && !run.fields.has(field)) {
    run.fields.add(field)
    batch.args[run.at] = run.fields.size
  } else {
    batch.run = { key: keys[0] ?? '', fields: new Set([field]), at: batch.args.length }
    batch.keys.push(...keys)
    batch.args.push(1)
  }
  batch.args.push(...args)
}
