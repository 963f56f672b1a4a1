/**
 * Fields of the markers hash. A category's name holds no colon, so no two markers share a field, whatever keys and tags
 * are. The hash has no TTL (servers evict keys with one first); a marker ends MARKER_LIFE after the time in its version.
 *
 *     k:<category>:<key>    the key was deleted, or an invalidated value lay there
 *     c:<category>          the category was cleared
 *     t:<category>:<tag>    the tag was invalidated in the category
 *     n:<category>:<key>    no marker, but the version of the counter that lies there, whose text can't bear one
 */
export const keyMarker = (category: string, key: string): string => `k:${category}:${key}`

export const counterVersion = (category: string, key: string): string => `n:${category}:${key}`

export const clearMarker = (category: string): string => `c:${category}`

export const tagMarker = (category: string, tag: string): string => `t:${category}:${tag}`

/** All markers that an entry with these tags is subject to, besides its own and its category's. */
export const tagMarkersOf = (category: string, tags: readonly string[] = []): string[] =>
  tags.map((tag) => tagMarker(category, tag))
