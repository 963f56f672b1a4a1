import { createHash } from 'node:crypto'

/** What a connection carries. */
export type Role = 'data' | 'large' | 'probe' | 'tracking'

/** Apps that share a database differ in their namespace: none may end the connections of another. */
const appOf = (namespace: string): string =>
  namespace === '' ? '' : `@${createHash('sha1').update(namespace).digest('hex').slice(0, 6)}`

/** As it appears in CLIENT LIST. */
export const connectionName = (processId: string, role: Role, namespace: string): string =>
  `motia-redis:${processId}:${role}${appOf(namespace)}`

/** The process whose calls a connection of this name carries; undefined: somebody else's, or no calls. */
export const callingProcess = (name: string, namespace: string): string | undefined => {
  const [, processId, app = ''] = /^motia-redis:(.+):(?:data|large)(@[0-9a-f]{6})?$/.exec(name) ?? []
  return app === appOf(namespace) ? processId : undefined
}
