/**
 * Where things of ours lie besides cache entries. No category can produce a key that begins with `<namespace>~mr:`.
 *
 *     <namespace>~mr:state:<group>   hash: one field per item of the group
 *     <namespace>~mr:groups          sorted set, all scores 0, so in byte order: the names of the groups
 *     <namespace>~mr:side:<group>    reserved: versions and markers of the group's items
 */
export interface Layout {
  group(name: string): string
  /** What every group's key begins with. */
  readonly groupPrefix: string
  readonly groupIndex: string
}

/** `namespace`: the literal prefix of every key, '' for none. */
export const layoutOf = (namespace: string): Layout => {
  const groupPrefix = `${namespace}~mr:state:`
  return { group: (name) => groupPrefix + name, groupPrefix, groupIndex: `${namespace}~mr:groups` }
}
