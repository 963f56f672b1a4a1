import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type RunningRedis, startRedis } from '../../scripts/local-redis.ts'
import { type FinderIo, findRedisBinary } from '../../scripts/redis-binary.ts'
import { until } from '../support/until.ts'

const running: RunningRedis[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((redis) => redis.stop()))
})
const start = async (options: Parameters<typeof startRedis>[0] = {}): Promise<RunningRedis> => {
  const redis = await startRedis(options)
  running.push(redis)
  return redis
}
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const ask = (port: number, command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write(`${command}\r\n`))
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString().trim())
    })
  })

describe('startRedis', () => {
  it('starts servers on ports of their own, which answer, and stops them', async () => {
    const servers = await Promise.all([start(), start(), start()])
    expect(new Set(servers.map(({ port }) => port)).size).toBe(3)
    for (const { port, url } of servers) {
      expect(await ask(port, 'PING')).toBe('+PONG')
      expect(url).toBe(`redis://127.0.0.1:${port}`)
    }
    const [first] = servers
    await first?.stop()
    await first?.stop()
    expect(servers.map(({ pid }) => alive(pid))).toEqual([false, true, true])
  })

  it('keeps data in its folder, if it has one', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'motia-redis-local-'))
    try {
      const first = await start({ dir, args: ['--save', '3600 1'] })
      await ask(first.port, 'SET a kept')
      await first.stop()
      expect(await ask((await start({ dir })).port, 'DBSIZE')).toBe(':1')
    } finally {
      await Promise.all(running.splice(0).map((redis) => redis.stop()))
      rmSync(dir, { recursive: true, force: true })
    }
  })

  it('says why it cannot use a port that is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    await expect(start({ port })).rejects.toThrow(/did not start on port \d+: .*in use/i)
    server.close()
  })

  it('stops a frozen server too', async () => {
    const redis = await start()
    redis.kill('SIGSTOP')
    await redis.stop()
    expect(alive(redis.pid)).toBe(false)
  })

  it('says what is wrong with a binary or an argument', async () => {
    await expect(start({ binary: '/nowhere/redis-server' })).rejects.toThrow(/ENOENT/)
    await expect(start({ args: ['--no-such-option', 'x'] })).rejects.toThrow(/did not start/)
  })

  it.each(['SIGKILL', 'SIGTERM', 'exit', 'throw'])('leaves nothing behind when its parent ends by %s', async (how) => {
    const script = `
      import { startRedis } from ${JSON.stringify(new URL('../../scripts/local-redis.ts', import.meta.url).href)}
      const { pid } = await startRedis()
      console.log(pid)
      if (${JSON.stringify(how)} === 'throw') throw new Error('on purpose')
      if (${JSON.stringify(how)} !== 'exit') setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const pid = await new Promise<number>((resolve) => child.stdout.once('data', (data) => resolve(Number(data))))
    if (how.startsWith('SIG')) child.kill(how as NodeJS.Signals)
    await ended
    await until('the server has ended', () => !alive(pid))
  })
})

describe('findRedisBinary', () => {
  /** A Linux with nothing installed and no terminal; what it was told and ran is noted. */
  const system = (parts: Partial<FinderIo> = {}): { io: FinderIo; notes: string[] } => {
    const notes: string[] = []
    const io: FinderIo = {
      platform: 'linux',
      packages: undefined,
      root: false,
      interactive: false,
      onPath: () => undefined,
      downloaded: () => undefined,
      download: async () => {
        notes.push('download')
        return '/cache/redis-server'
      },
      run: async (program, args) => {
        notes.push([program, ...args].join(' '))
      },
      ask: async (question) => {
        notes.push(question)
        return false
      },
      say: (line) => {
        notes.push(line)
      },
      ...parts,
    }
    return { io, notes }
  }
  const failing = async (): Promise<never> => {
    throw new Error('no network')
  }

  it.each(['redis-server', 'valkey-server'])('takes %s from PATH and does nothing else', async (program) => {
    const { io, notes } = system({
      onPath: (name) => (name === program ? `/bin/${name}` : undefined),
      interactive: true,
    })
    expect(await findRedisBinary(io)).toBe(`/bin/${program}`)
    expect(notes).toEqual([])
  })

  it('takes one that was fetched before', async () => {
    const { io, notes } = system({ downloaded: () => '/cache/redis-server', interactive: true })
    expect(await findRedisBinary(io)).toBe('/cache/redis-server')
    expect(notes).toEqual([])
  })

  it('as root on Debian without a terminal: installs, and says so', async () => {
    let installed = false
    const { io, notes } = system({
      packages: 'apt-get',
      root: true,
      onPath: () => (installed ? '/usr/bin/redis-server' : undefined),
    })
    const run: FinderIo['run'] = async (program, args) => {
      notes.push([program, ...args].join(' '))
      installed = args.includes('install')
    }
    expect(await findRedisBinary({ ...io, run })).toBe('/usr/bin/redis-server')
    expect(notes).toEqual([
      expect.stringMatching(/installing it with apt-get/),
      expect.stringMatching(/^apt-get update/),
      expect.stringMatching(/^apt-get install .*redis-server$/),
    ])
  })

  it('fetches one where it may not install, or installing fails', async () => {
    const plain = system({ packages: 'apt-get' })
    expect(await findRedisBinary(plain.io)).toBe('/cache/redis-server')
    expect(plain.notes).toEqual([expect.stringMatching(/redis-memory-server/), 'download'])
    const broken = system({ packages: 'apt-get', root: true, run: failing })
    expect(await findRedisBinary(broken.io)).toBe('/cache/redis-server')
  })

  it('at a terminal: nothing without a yes', async () => {
    const no = system({ interactive: true })
    await expect(findRedisBinary(no.io)).rejects.toThrow(/No Redis found/)
    expect(no.notes).toEqual([expect.stringMatching(/\[y\/N\]/)])
    const yes = system({ interactive: true, ask: async () => true })
    expect(await findRedisBinary(yes.io)).toBe('/cache/redis-server')
  })

  it.each([
    [{ platform: 'darwin' }, 'brew install redis'],
    [{ packages: 'apt-get' }, 'sudo apt-get install redis-server'],
    [{ packages: 'dnf' }, 'sudo dnf install redis'],
    [{ packages: 'dnf', root: true }, '`dnf install redis`'],
    [{ platform: 'win32' }, 'WSL'],
    [{}, 'package manager'],
  ] as const)('else one sentence with the command: %j', async (parts, command) => {
    const { io } = system({ ...parts, download: failing, run: failing })
    const error: unknown = await findRedisBinary(io).catch((reason) => reason)
    expect(String(error)).toContain(command)
    expect(String(error)).toContain('no network')
    expect(String(error)).not.toContain('\n')
  })
})
