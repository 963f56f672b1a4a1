import type { EmbeddedStore } from '../../embedded/embedded-store.js'
import { StoreError } from '../../instances/store.js'
import type { LastResortStore } from '../landscape.js'
import type { StateResort } from './state-resort.js'

/**
 * The last resort: the app's own state adapter where it kept one, and files of this machine for everything that doesn't
 * fit there. A key lies in one of them. `state`: it is known only once the plugin is built.
 */
export const createBothResorts = (
  files: EmbeddedStore | undefined,
  state: () => StateResort | undefined,
): LastResortStore => {
  const readMany: LastResortStore['readMany'] = async (places, options) => {
    const shown = state()
    const found = (await files?.readMany(places, options)) ?? places.map(() => undefined)
    for (const [i, place] of places.entries()) {
      if (shown?.has(place) === true) found[i] = await shown.read(place, options)
    }
    return found
  }

  const write: LastResortStore['write'] = async (entries, options) => {
    const left = []
    for (const entry of entries) {
      if ((await state()?.write(entry, options)) !== true) left.push(entry)
      // Else it would be there again when the other one's has ended.
      else if ((await files?.read(entry.key)) !== undefined) await files?.remove([entry.key], options)
    }
    if (left.length === 0) return
    if (files === undefined) throw new StoreError('unavailable', 'fallback', 'fallback: there is no folder', 'no')
    await files.write(left, options)
  }

  return {
    available: () => files !== undefined || state() !== undefined,
    read: async (place, options) => (await readMany([place], options))[0],
    readMany,
    write,

    remove: async (places, options) => {
      const shown = state()
      const isShown = places.map((place) => shown?.has(place) === true)
      const others = places.filter((_, i) => isShown[i] !== true)
      const removed = others.length === 0 ? [] : ((await files?.remove(others, options)) ?? [])
      for (const [i, place] of places.entries()) if (isShown[i] === true) await shown?.remove(place, options)
      return places.map((place, i) => isShown[i] === true || removed[others.indexOf(place)] === true)
    },

    swap: async (place, expected, next, options) => {
      const shown = state()
      if (shown?.has(place) !== true) return (await files?.swap(place, expected, next, options)) ?? false
      if ((await shown.read(place, options)) !== expected) return false
      await write([{ key: place, ...next }], options)
      return true
    },

    life: async (place, options) => state()?.life(place) ?? files?.life(place, options),

    scan: async (prefix, cursor, limit, options) => {
      const page = (await files?.scan(prefix, cursor, limit, options)) ?? { keys: [], cursor: undefined }
      // Few, and all at the end.
      return page.cursor === undefined ? { ...page, keys: [...page.keys, ...(state()?.places(prefix) ?? [])] } : page
    },

    clear: async (prefix, options) =>
      ((await files?.clear(prefix, options)) ?? 0) + ((await state()?.clear(prefix)) ?? 0),
  }
}
