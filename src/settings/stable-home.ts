/**
 * A home for a name that no list mentions (rendezvous hashing): the same on every process, whatever the order of
 * the instances; a new instance takes over only the names that it wins.
 */
export const stableHome = (name: string, instances: readonly string[]): string => {
  let home = ''
  let best = -1
  for (const instance of instances) {
    const score = hash(`${instance}\n${name}`)
    if (score > best || (score === best && instance < home)) {
      home = instance
      best = score
    }
  }
  return home
}

/** FNV-1a with murmur3's finish: alone, FNV is too alike for names that differ in the last letter only. */
const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
