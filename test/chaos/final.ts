import { Redis } from 'ioredis'
import { type Call, isRead, scopeOf } from './history.ts'
import { cacheKey, type InstanceName, identity, isCounter, itemKey, placeOf } from './places.ts'

/** Keys that the calls wrote or counted. */
export const keysOf = (calls: readonly Call[]): string[] => [
  ...new Set(calls.flatMap((call) => ('key' in call && !isRead(call) ? [call.key] : []))),
]

export interface FinalOptions {
  readonly urls: Readonly<Record<InstanceName, string>>
  /** mirror: where the copies of what is kept lie; only that. @default 'home' */
  readonly of?: 'home' | 'mirror'
}

/** What lies in the servers themselves, by key, past all of our code. */
export const readFinal = async (
  calls: readonly Call[],
  { urls, of = 'home' }: FinalOptions,
): Promise<Map<string, string | number | null>> => {
  const clients = { primary: new Redis(urls.primary), secondary: new Redis(urls.secondary) }
  try {
    const found = await Promise.all(
      keysOf(calls)
        .filter((key) => of === 'home' || ['kept', 'state', 'tally'].includes(placeOf(key).kind))
        .map(async (key) => [key, await readOne(key, clients, of)] as const),
    )
    return new Map(found)
  } finally {
    clients.primary.disconnect()
    clients.secondary.disconnect()
  }
}

const readOne = async (
  key: string,
  clients: Readonly<Record<InstanceName, Redis>>,
  of: 'home' | 'mirror',
): Promise<string | number | null> => {
  const { kind, home, name } = placeOf(key)
  const other = home === 'primary' ? 'secondary' : 'primary'
  const client = clients[of === 'home' ? home : other]
  if (kind === 'state') {
    const text = await client.hget(`~mr:state:${name}`, itemKey(key))
    return text === null ? null : identity(JSON.parse(text))
  }
  // Somebody else's data at our key is nothing of ours.
  const text = await unlessForeign(client.get(`${of === 'home' ? '' : `~mr:mirror:${home}:`}${name}:${cacheKey(key)}`))
  if (isCounter(scopeOf(key))) return text === null ? 0 : Number(held(JSON.parse(text)))
  return text === null ? null : identity(held(JSON.parse(text)))
}

const unlessForeign = (read: Promise<string | null>): Promise<string | null> =>
  read.catch((error: Error) => {
    if (error.message.startsWith('WRONGTYPE')) return null
    throw error
  })

/** A counter is a bare number, an entry an envelope. */
const held = (stored: unknown): unknown =>
  typeof stored === 'object' && stored !== null && 'value' in stored ? stored.value : stored

/** Keys of ours that should be gone when all is well: stand-in copies and outages. Leases end by themselves. */
export const leftovers = async (urls: Readonly<Record<InstanceName, string>>): Promise<string[]> => {
  const found: string[] = []
  for (const url of Object.values(urls)) {
    const client = new Redis(url)
    for (const pattern of ['~mr:standin:*', '~mr:outage:*']) found.push(...(await client.keys(pattern)))
    client.disconnect()
  }
  return found
}
