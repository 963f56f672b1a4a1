/**
 * Where things of ours lie besides cache entries. No category can produce a key that begins with `<namespace>~mr:`.
 *
 *     <namespace>~mr:state:<group>   hash: one field per item of the group
 *     <namespace>~mr:groups          sorted set, all scores 0, so in byte order: the names of the groups
 *     <namespace>~mr:side:<group>    hash: versions and markers of the group's items, see failover/versions/group-scripts.ts
 *     <namespace>~mr:sides           sorted set like groups: the groups that have a side hash
 *     <namespace>~mr:markers         hash: markers of kept cache entries, see failover/versions/markers.ts
 *     <namespace>~mr:probe:<process> never there: what the write probe names
 *     <namespace>~mr:mirror:<home>:<redis key>             copy of a mirrored category's entry, on the instance beside its home
 *     <namespace>~mr:standin:<home>:<outage>:<redis key>   what was written while home was away, see failover/stand-in/outages.ts
 *     <namespace>~mr:outage:<home>   hash: the ids of its outages and the processes that hold something for home
 *     <namespace>~mr:lease:<redis key>  who computes the entry at that key, see lease-scripts.ts
 *     <namespace>~mr:sentinel        what tells a server that kept its data from an empty one, see failover/recovery/identity.ts
 *     <namespace>~mr:deltas          hash: ids of increments that were replayed, see failover/versions/once-script.ts
 *     <namespace>~mr:writers         hash: directories of the servers that write state, see failover/state-copy/embedded-copy-filling.ts
 *     <namespace>~mr:tag:<category>:<tag>  sorted set by end: the keys of entries that bear the tag, see tag-scripts.ts
 *     <namespace>~mr:tagged          sorted set like groups: categories whose entries bear tags
 *     <namespace>~mr:unlisted        sorted set like groups: categories at home here that are listed nowhere
 *     <namespace>~mr:invalidated     sorted set: when tags were invalidated
 *     <namespace>~mr:changes         stream: what was changed, where a server tells nobody itself, see src/invalidation/changes.ts
 *     <namespace>~mr:processes       hash: the processes that use this instance, see src/sight/process-heartbeat.ts
 *     <namespace>~mr:fenced          which process ended the connections of vanished ones last; lives for seconds
 */
export interface Layout {
  group(name: string): string
  /** What every group's key begins with. */
  readonly groupPrefix: string
  readonly groupIndex: string
  side(group: string): string
  readonly sideIndex: string
  readonly markers: string
  /** What a process asks about writes with. Nothing is ever stored there. */
  probe(processId: string): string
  /** What the copy of a mirrored entry begins with; the key it has at home follows. */
  mirror(home: string): string
  /** The same for what stands in during one outage. */
  standIn(home: string, outage: string): string
  outage(home: string): string
  /** `key`: where the entry lies, which may be a copy's place. */
  lease(key: string): string
  readonly sentinel: string
  readonly deltas: string
  readonly changes: string
  readonly fenced: string
  readonly processes: string
  readonly writers: string
  tag(category: string, tag: string): string
  /** What every index of a tag begins with. */
  readonly tagPrefix: string
  readonly tagged: string
  readonly unlisted: string
  readonly invalidated: string
}

/** `namespace`: the literal prefix of every key, '' for none. */
export const layoutOf = (namespace: string): Layout => {
  const groupPrefix = `${namespace}~mr:state:`
  const tagPrefix = `${namespace}~mr:tag:`
  return {
    group: (name) => groupPrefix + name,
    groupPrefix,
    groupIndex: `${namespace}~mr:groups`,
    side: (group) => `${namespace}~mr:side:${group}`,
    sideIndex: `${namespace}~mr:sides`,
    markers: `${namespace}~mr:markers`,
    probe: (processId) => `${namespace}~mr:probe:${processId}`,
    mirror: (home) => `${namespace}~mr:mirror:${home}:`,
    standIn: (home, outage) => `${namespace}~mr:standin:${home}:${outage}:`,
    outage: (home) => `${namespace}~mr:outage:${home}`,
    lease: (key) => `${namespace}~mr:lease:${key}`,
    sentinel: `${namespace}~mr:sentinel`,
    deltas: `${namespace}~mr:deltas`,
    changes: `${namespace}~mr:changes`,
    fenced: `${namespace}~mr:fenced`,
    processes: `${namespace}~mr:processes`,
    writers: `${namespace}~mr:writers`,
    tag: (category, tag) => `${tagPrefix}${category}:${tag}`,
    tagPrefix,
    tagged: `${namespace}~mr:tagged`,
    unlisted: `${namespace}~mr:unlisted`,
    invalidated: `${namespace}~mr:invalidated`,
  }
}
