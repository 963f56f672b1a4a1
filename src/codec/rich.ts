import type { SuperJSON } from 'superjson'
import { checkMeta, importSuperjson } from './careful.js'
import type { SuperjsonMeta } from './payload.js'

export type { SuperJSON }

let loaded: SuperJSON | undefined
let loading: Promise<SuperJSON> | undefined

/** superjson is imported at the first value that needs it; 8 ms that most steps never pay. */
export const loadRich = (): Promise<SuperJSON> => {
  loading ??= importSuperjson().then(
    (module) => {
      // An instance of our own: what the app registers on superjson's default must not change what we store.
      loaded = new module.default()
      return loaded
    },
    (error: unknown) => {
      loading = undefined
      throw error
    },
  )
  return loading
}

/** The instance, where it is loaded. Also undefined while it loads. */
export const richNow = (): SuperJSON | undefined => loaded

/** A wait that ends after every rich value before this one was encoded; undefined when there is none. */
export const richPending = (): Promise<SuperJSON> | undefined => (loaded === undefined ? loading : undefined)

/** `value` is a snapshot of ours, so shared parts are already copies and superjson's record of them is left out. */
export const encodeRich = (superjson: SuperJSON, value: unknown): { json: string; meta: SuperjsonMeta } => {
  const { json, meta } = superjson.serialize(value)
  return { json: JSON.stringify(json), meta: { values: meta?.values, v: 1 } }
}

/** `json`: parsed and unescaped. Throws for metadata that we can't have written. */
export const decodeRich = (superjson: SuperJSON, json: unknown, meta: SuperjsonMeta): unknown => {
  checkMeta(json, meta)
  // In place: `json` is the caller's own. The types are superjson's; the shape was checked above.
  return superjson.deserialize({ json, meta } as Parameters<SuperJSON['deserialize']>[0], { inPlace: true })
}
