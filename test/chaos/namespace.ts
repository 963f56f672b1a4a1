import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { watch } from '../../scripts/watchdog.ts'
import type { TestRedis } from '../support/redis-process.ts'
import { until } from '../support/until.ts'

/** A Redis behind a link whose packets can be made to vanish: nobody is told anything, as in a real partition. */
export interface DistantRedis extends TestRedis {
  cut(): void
  heal(): void
  remove(): Promise<void>
}

const ip = (line: string): void => {
  const { status, stderr } = spawnSync('ip', line.split(' '), { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ip ${line}: ${stderr}`)
}

/** Why this machine can't have such a link; undefined where it can. */
export const noNamespaces = (): string | undefined => {
  const name = `mr-try-${process.pid}`
  const { status } = spawnSync('ip', ['netns', 'add', name])
  if (status !== 0) return 'this machine may not make network namespaces'
  spawnSync('ip', ['netns', 'del', name])
  return undefined
}

const PORT = 7396

export const openDistantRedis = async (args: readonly string[] = []): Promise<DistantRedis> => {
  const id = Math.floor(Math.random() * 0xffff).toString(36)
  const [space, near, far] = [`mr-${id}`, `mrv${id}a`, `mrv${id}b`]
  const net = `10.253.${Math.floor(Math.random() * 256)}`
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-distant-'))
  ip(`netns add ${space}`)
  ip(`link add ${near} type veth peer name ${far}`)
  ip(`link set ${far} netns ${space}`)
  ip(`addr add ${net}.1/30 dev ${near}`)
  ip(`link set ${near} up`)
  ip(`netns exec ${space} ip addr add ${net}.2/30 dev ${far}`)
  ip(`netns exec ${space} ip link set ${far} up`)

  // `ip` becomes the server, so that its pid is the server's.
  const server = (): ReturnType<typeof spawn> => {
    const own = ['--port', `${PORT}`, '--bind', `${net}.2`, '--protected-mode', 'no', '--dir', dir, '--save', '']
    const child = spawn('ip', ['netns', 'exec', space, 'redis-server', ...own, ...args], { stdio: 'ignore' })
    child.unref()
    if (child.pid !== undefined) watch(child.pid)?.unref()
    return child
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    child.kill('SIGCONT')
    await ended
  }
  const answers = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = createConnection({ host: `${net}.2`, port: PORT }, () => socket.write('PING\r\n'))
      socket.once('data', () => resolve(true)).once('error', () => resolve(false))
      socket.once('data', () => socket.destroy())
    })

  let child = server()
  await until('the distant server answers', answers)
  return {
    url: `redis://${net}.2:${PORT}`,
    port: PORT,
    dir,
    get pid() {
      return child.pid ?? 0
    },
    // Whoever lives at that address now isn't ours: packets go nowhere.
    cut: () => ip(`neigh replace ${net}.2 lladdr 02:00:00:00:00:99 dev ${near} nud permanent`),
    heal: () => ip(`neigh del ${net}.2 dev ${near}`),
    stop: () => end('SIGTERM'),
    crash: () => end('SIGKILL'),
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    restart: async () => {
      await end('SIGTERM')
      child = server()
      await until('the distant server answers', answers)
    },
    remove: async () => {
      await end('SIGKILL')
      spawnSync('ip', ['link', 'del', near])
      spawnSync('ip', ['netns', 'del', space])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
