import type { CacheEngine, Place } from './engine.js'

/** The same engine for entries that are none of their category's values; see Place. */
export const uncheckedEngine = (engine: CacheEngine): CacheEngine => {
  const unchecked = (place: Place): Place => ({ ...place, unchecked: true })
  return {
    ...engine,
    getEntry: (place) => engine.getEntry(unchecked(place)),
    acquire: (place, options, signal) => engine.acquire(unchecked(place), options, signal),
  }
}
