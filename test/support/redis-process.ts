import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningRedis, startRedis } from '../../scripts/local-redis.ts'

export interface TestRedisOptions {
  /** Further redis-server arguments. They come last, so they win: `['--save', '3600 1']` turns snapshots on. */
  readonly args?: readonly string[]
}

/**
 * Who connects as nobody in particular may do what users of small managed databases may, and the server is as small: the
 * suite's other round (project `managed` of vitest.config.ts).
 */
const managed = (dir: string): string[] => {
  if (process.env.REDIS_PROFILE !== 'managed') return []
  const users = join(dir, 'users.acl')
  writeFileSync(users, `user default on nopass ${managedRights.join(' ')}\nuser root on >root ~* &* +@all\n`)
  // But each test of a file may have a process's connections.
  return ['--aclfile', users, ...managedServer, '--maxclients', '300']
}
/** As ioredis options: who tests are themselves, who may do everything on each of their servers. */
export const inCharge = process.env.REDIS_PROFILE === 'managed' ? { username: 'root', password: 'root' } : {}
export const managedRights = [
  ...['~*', '&*', '+@all', '-config', '-client|pause', '-client|tracking'],
  ...['-debug', '-acl', '-shutdown', '-replicaof'],
]
export const managedServer = ['--maxmemory', '30mb', '--maxmemory-policy', 'volatile-lru', '--maxclients', '30']

/** A real Redis with its own port and folder, nothing persisted by default. */
export interface TestRedis {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Its data folder. */
  readonly dir: string
  stop(): Promise<void>
  /** kill -9, and waits until it is gone. */
  crash(): Promise<void>
  /** Starts it again on the same port and folder, stopping it first if it runs. */
  restart(args?: readonly string[]): Promise<void>
  /** SIGSTOP: connections stay open, and new ones are accepted, but nobody answers. */
  freeze(): void
  thaw(): void
}

/** Outside a test file, too: stops it and removes its folder by `remove`. Inside one, startTestRedis does. */
export const openRedis = async (options: TestRedisOptions = {}): Promise<TestRedis & { remove(): Promise<void> }> => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-test-'))
  const profile = managed(dir)
  let args = options.args ?? []
  const start = (port?: number): Promise<RunningRedis> =>
    startRedis({
      dir,
      args: ['--save', '', '--appendonly', 'no', ...profile, ...args],
      ...(port === undefined ? {} : { port }),
    })
  let server = await start()
  const { port, url } = server

  return {
    url,
    port,
    dir,
    get pid() {
      return server.pid
    },
    stop: () => server.stop(),
    crash: async () => {
      server.kill('SIGKILL')
      await server.ended
    },
    restart: async (next) => {
      if (next !== undefined) args = next
      await server.stop()
      server = await start(port)
    },
    freeze: () => server.kill('SIGSTOP'),
    thaw: () => server.kill('SIGCONT'),
    remove: async () => {
      await server.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
