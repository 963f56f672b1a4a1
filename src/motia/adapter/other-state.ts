import type { OtherState } from '../../failover/stand-in/state-resort.js'
import type { StoreHealth } from '../../instances/store.js'
import { isLoopback } from '../../settings/redis-url.js'
import type { Settings } from '../../settings/settings.js'

/** The Redis behind somebody else's state adapter. */
interface StateServer {
  readonly address: { readonly host: string; readonly port: number } | undefined
  /** Which run of a server answers there. Undefined where it doesn't tell, or not soon. */
  runId(): Promise<string | undefined>
}

/** ms */
const LIMIT = 1_000

/** An adapter can be used for more than what Motia does with it. */
export const isState = (adapter: unknown): adapter is OtherState =>
  typeof adapter === 'object' &&
  adapter !== null &&
  ['get', 'set', 'delete', 'clear', 'traceIds'].every((name) => typeof Reflect.get(adapter, name) === 'function')

/**
 * What to say if the state adapter that the app kept lies on one of our instances, or may do so: then it is away when that
 * is, and nothing is put there. Undefined: it lies elsewhere.
 */
export const instanceBehind = async (
  state: OtherState,
  { instances }: Settings,
  healthOf: (instance: string) => StoreHealth,
): Promise<string | undefined> => {
  const server = serverBehind(state)
  if (server === undefined) return undefined
  const { address } = server
  const runId = await server.runId()
  const same = instances.find(
    ({ name, url }) =>
      (runId !== undefined && healthOf(name).server?.runId === runId) ||
      (url !== undefined && address !== undefined && url.port === address.port && isSameHost(url.host, address.host)),
  )
  if (same !== undefined) return line(`lies on ${same.name}`)
  return runId === undefined && address === undefined ? line("lies on a Redis that can't be told from ours") : undefined
}

const isSameHost = (one: string, other: string): boolean => one === other || (isLoopback(one) && isLoopback(other))

const line = (where: string): string =>
  `context.state ${where}: while no instance is left, cached data goes to files of this machine, not there`

/** Undefined: none of its parts is a Redis client (node-redis or ioredis), so it keeps its data elsewhere. */
const serverBehind = (adapter: object): StateServer | undefined => {
  const client = Object.values(adapter).find(isClient)
  return client && { address: addressOf(client.options), runId: () => runIdOf(client) }
}

interface Client {
  readonly options?: unknown
  info(section: string): Promise<unknown>
}

const isClient = (part: unknown): part is Client =>
  typeof part === 'object' &&
  part !== null &&
  'info' in part &&
  typeof part.info === 'function' &&
  'connect' in part &&
  typeof part.connect === 'function'

const partOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const addressOf = (options: unknown): StateServer['address'] => {
  const url = partOf(options, 'url')
  if (typeof url === 'string' && URL.canParse(url)) {
    const { hostname, port } = new URL(url)
    return { host: hostname, port: Number(port || 6379) }
  }
  // node-redis has them in a part of their own, ioredis doesn't.
  const place = partOf(options, 'socket') ?? options
  const [host = 'localhost', port = 6379] = [partOf(place, 'host'), partOf(place, 'port')]
  return typeof host === 'string' ? { host, port: Number(port) } : undefined
}

/** A client that has lost its server may keep the question for ever. */
const runIdOf = (client: Client): Promise<string | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), LIMIT)
    const answer = (info: unknown): void => {
      clearTimeout(timer)
      resolve(/^run_id:(\w+)/m.exec(String(info))?.[1])
    }
    client.info('server').then(answer, () => answer(''))
  })
