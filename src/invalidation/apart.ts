/** The smallest set of prefixes that begins all that these begin: Redis refuses to track any two that overlap. */
export const apart = (prefixes: Iterable<string>): string[] => {
  const kept: string[] = []
  // In this order whatever begins with a prefix comes right after it.
  for (const prefix of [...new Set(prefixes)].sort()) {
    const last = kept.at(-1)
    if (last === undefined || !prefix.startsWith(last)) kept.push(prefix)
  }
  return kept
}
