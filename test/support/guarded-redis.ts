import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll } from 'vitest'
import { testFolder } from './folder.ts'
import { managedRights, managedServer } from './redis-process.ts'
import { startTestRedis, type TestRedis } from './redis-server.ts'

/** A Redis of one test file on which the app has a user with few rights, also after a crash. */
export interface GuardedRedis {
  /** As the app's user. */
  readonly url: string
  readonly server: TestRedis
  /** May do everything; there is no third user. */
  readonly admin: Redis
  /** What it refused the app's user, and what was called there, as far as `note` has heard of. */
  readonly denied: ReadonlySet<string>
  readonly called: ReadonlySet<string>
  /** Takes down what the server knows; before a crash, too, or that is lost. */
  note(): Promise<void>
}

/** `rights`: as in ACL SETUSER. `args`: further ones of redis-server. */
export const startGuardedRedis = async (
  rights: readonly string[],
  args: readonly string[] = [],
): Promise<GuardedRedis> => {
  const users = join(testFolder(), 'users.acl')
  const app = `user app on >secret ${rights.join(' ')}`
  writeFileSync(users, `user default off\nuser admin on >admin ~* +@all\n${app}\n`)
  const server = await startTestRedis({ args: ['--aclfile', users, ...args] })
  const admin = new Redis(server.port, '127.0.0.1', { username: 'admin', password: 'admin' })
  admin.on('error', () => undefined) // the server is away on purpose
  admins.push(admin)
  await admin.config('RESETSTAT')
  const denied = new Set<string>()
  const called = new Set<string>()
  return {
    ...{ url: `redis://app:secret@127.0.0.1:${server.port}`, server, admin, denied, called },
    note: async () => {
      for (const entry of (await admin.call('ACL', 'LOG')) as unknown[][]) {
        const object = String(entry[entry.indexOf('object') + 1])
        // From 7.2 on clients tell their version, and don't mind if they may not.
        if (object !== 'client|setinfo') denied.add(object)
      }
      for (const [, name = ''] of (await admin.info('commandstats')).matchAll(/^cmdstat_([^:]+):calls=[1-9]/gm)) {
        called.add(name)
      }
    },
  }
}

/** As small managed databases are: what their users may do, and what there is for them. */
export const startManagedRedis = (): Promise<GuardedRedis> => startGuardedRedis(managedRights, managedServer)

const admins: Redis[] = []
afterAll(() => {
  for (const admin of admins.splice(0)) admin.disconnect()
})
