const refuse = (): never => {
  throw new TypeError('Settings are immutable')
}

/** Object.freeze doesn't stop a Map from changing; this does. */
export const frozenMap = <K, V>(entries: Iterable<readonly [K, V]>): ReadonlyMap<K, V> =>
  Object.freeze(Object.assign(new Map(entries), { set: refuse, delete: refuse, clear: refuse }))
