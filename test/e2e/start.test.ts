import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort } from '../../scripts/free-port.ts'
import { startRedis } from '../../scripts/local-redis.ts'
import { commandOf } from '../../scripts/running.ts'
import { type ExampleOptions, exampleApp } from '../support/example-app.ts'
import { workbenchHook } from '../support/motia-app.ts'
import { alive, descendants } from '../support/processes.ts'
import { until } from '../support/until.ts'

const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url))
const tsx = import.meta.resolve('tsx')

// Nothing of the developer's shell or the test runner, which would change what is started.
const noWorkbench = `--import=${workbenchHook}`
const env = { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', NODE_OPTIONS: noWorkbench }

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** One flow is enough, and no Workbench: how it starts doesn't depend on them. */
const makeApp = (options: ExampleOptions = { flows: ['menu'] }): string => {
  const app = exampleApp(options)
  cleanUps.push(app.remove)
  return app.dir
}

interface Start {
  readonly child: ChildProcess
  readonly pid: number
  output(): string
  /** Exit code or signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

const start = (cwd: string, ...args: string[]): Start => startWith({}, cwd, ...args)

const startWith = (more: NodeJS.ProcessEnv, cwd: string, ...args: string[]): Start => {
  const command = ['--import', tsx, script('start'), ...args]
  const child = spawn(process.execPath, command, { cwd, env: { ...env, ...more }, stdio: 'pipe' })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
  cleanUps.push(async () => {
    child.kill('SIGKILL') // its watchdogs end the rest
    await ended
  })
  if (child.pid === undefined) throw new Error('not started')
  return { child, pid: child.pid, output: () => output, ended }
}

const ready = async (run: Start): Promise<string> => {
  const over = run.ended.then((code) => {
    throw new Error(`ended (${code}) before it was ready:\n${run.output()}`)
  })
  await Promise.race([over, until('the app to be ready', () => run.output().includes('Ctrl-C ends the app'), 90_000)])
  return /App\s+(http:\S+)/.exec(run.output())?.[1] ?? ''
}

const others = (dir: string, ...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const command = ['--import', tsx, ...args]
    execFile(process.execPath, command, { cwd: dir, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    )
  })

const menu = async (url: string): Promise<{ status: number; body: string }> => {
  const response = await fetch(`${url}/menu`)
  return { status: response.status, body: await response.text() }
}

describe('npm start', () => {
  it('takes the port and the Redis servers of .env, and Ctrl-C leaves no process', async () => {
    const dir = makeApp({}) // as it is
    const [primary, secondary] = await Promise.all([startRedis(), startRedis()])
    cleanUps.push(primary.stop, secondary.stop)
    const port = await freePort()
    const lines = [`PORT=${port}`, `REDIS_PRIMARY_URL=${primary.url}`, `REDIS_SECONDARY_URL=${secondary.url}`]
    writeFileSync(join(dir, '.env'), lines.join('\n'))

    const run = startWith({ NODE_OPTIONS: '' }, dir)
    expect(await ready(run)).toBe(`http://127.0.0.1:${port}`)
    expect(run.output()).toContain(`curl http://127.0.0.1:${port}/menu`)
    expect((await menu(`http://127.0.0.1:${port}`)).status).toBe(200)
    // Only Motia's own Redis was missing.
    expect(readdirSync(join(dir, '.motia')).filter((name) => name.startsWith('redis-'))).toEqual(['redis-motia'])
    expect(run.output()).toMatch(/^brought a local Redis for Motia itself \(port \d+\)$/m)

    const started = descendants(run.pid)
    expect(started.length).toBeGreaterThanOrEqual(4) // Motia, its Redis, a watchdog each
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(130)
    await until('none of them', () => alive(started).length === 0)
    expect(existsSync(join(dir, '.motia', 'start.json'))).toBe(false)
    expect(alive([primary.pid, secondary.pid])).toEqual([primary.pid, secondary.pid])
  })

  it('goes on without a Redis it brought, and says how to start that again', async () => {
    const dir = makeApp()
    const run = start(dir, '--port', String(await freePort()))
    const url = await ready(run)
    const [, port, said] = /secondary on port (\d+), pid (\d+)/.exec(run.output()) ?? []
    const secondary = descendants(run.pid).find((pid) => commandOf(pid).includes(`127.0.0.1:${port}`))
    if (secondary === undefined) throw new Error(`no redis-server on port ${port}`)
    expect(said).toBe(String(secondary))
    process.kill(secondary, 'SIGKILL')
    await until('it is missed', () => run.output().includes('motia-redis  secondary  DOWN'), 30_000)
    expect((await menu(url)).status).toBe(200)

    const command = /^redis-server for secondary \(port \d+\) has ended\. To start it again: (.+)$/m.exec(
      run.output(),
    )?.[1]
    const again = spawn('sh', ['-c', `exec ${command}`], { cwd: dir, stdio: 'ignore' })
    cleanUps.push(() => again.kill('SIGKILL'))
    await until('it is up again', () => run.output().includes('motia-redis  secondary  up again'), 30_000)
    expect((await menu(url)).status).toBe(200)
    run.child.kill('SIGINT')
    expect(await run.ended).toBe(130)
  })

  it('brings two instances, names the port Motia took instead of a taken one, and ends with Motia', async () => {
    const dir = makeApp()
    const port = await freePort()
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(port, '127.0.0.1', resolve))
    cleanUps.push(() => squatter.close())
    writeFileSync(join(dir, '.env'), 'REDIS_PRIMARY_URI=redis://h')

    const run = start(dir, '--port', String(port))
    const url = await ready(run)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(url).not.toBe(`http://127.0.0.1:${port}`)
    expect(run.output()).toContain(`curl ${url}/menu`)
    expect((await menu(url)).status).toBe(200)
    expect(existsSync(join(dir, '.motia', 'redis-primary'))).toBe(true)
    expect(existsSync(join(dir, '.motia', 'redis-secondary'))).toBe(true)
    // With local servers in their place nobody would miss the given ones.
    expect(run.output()).toMatch(
      /^brought 2 local Redis instances \(primary on port \d+, pid \d+; secondary on port \d+, pid \d+\) and .*\nREDIS_PRIMARY_URI has no meaning here; did you mean REDIS_PRIMARY_URL\?$/m,
    )

    // The Workbench is found where the app runs, whatever PORT says.
    expect(await others(dir, script('workbench'))).toEqual({ code: 0, output: `${url}/\n` })
    // Two would write to the same data.
    const second = await others(dir, script('start'), '--port', String(await freePort()))
    expect(second).toEqual({ code: 1, output: `npm start runs in this folder already (process ${run.pid}, ${url})\n` })

    const started = descendants(run.pid)
    const motia = started.find((pid) => commandOf(pid).includes('cli.mjs')) ?? 0
    process.kill(motia, 'SIGKILL')
    expect(await run.ended).toBe(137)
    expect(run.output()).toContain('Motia has ended (exit code 137)')
    await until('none of them', () => alive(started).length === 0)
  })

  it('brings no instance in production: that none is named is an error there', async () => {
    const dir = makeApp()
    const run = startWith({ NODE_ENV: 'production' }, dir, '--port', String(await freePort()))
    expect(await run.ended).toBe(1)
    expect(run.output()).toMatch(/REDIS_PRIMARY_URL: not set; [^\n]+\nMotia has ended \(exit code 1\)\n$/)
    expect(readdirSync(join(dir, '.motia')).filter((name) => name.startsWith('redis-'))).toEqual(['redis-motia'])
  })

  it('passes on the exit code of a Motia that ends before it is ready', async () => {
    const dir = makeApp()
    writeFileSync(join(dir, 'motia.config.ts'), 'process.exit(7)')
    const run = start(dir, '--port', String(await freePort()))
    expect(await run.ended).toBe(7)
    expect(run.output()).toContain('Motia has ended (exit code 7)')
  })

  const ends: readonly (readonly [string, (run: Start) => unknown, number | string])[] = [
    ['is killed', (run: Start) => run.child.kill('SIGKILL'), 'SIGKILL'],
    ['crashes itself', (run: Start) => run.child.stdout?.destroy(), 1],
    ['loses its terminal', (run: Start) => run.child.kill('SIGHUP'), 129],
  ]
  it.each(ends)('leaves no process when it %s', async (_name, end, code) => {
    const run = start(makeApp(), '--port', String(await freePort()))
    // Three Redis servers and Motia, a watchdog each.
    await until('all of them', () => descendants(run.pid).length >= 8, 60_000)
    const started = descendants(run.pid)
    end(run)
    expect(await run.ended).toBe(code)
    await until('none of them', () => alive(started).length === 0, 15_000)
  })

  it('leaves no process when npm is ended, which ends its shell alone', async () => {
    const command = [process.execPath, '--import', tsx, script('start'), '--port', String(await freePort())]
    const shell = spawn('/bin/sh', ['-c', '"$0" "$@"; true', ...command], {
      cwd: makeApp(),
      env: { ...env, npm_lifecycle_event: 'start' },
      stdio: 'ignore',
    })
    cleanUps.push(() => shell.kill('SIGKILL'))
    const under = (): number[] => descendants(shell.pid ?? 0)
    await until('all of them', () => under().length >= 9, 60_000)
    const started = under()
    shell.kill('SIGTERM')
    await until('none of them', () => alive(started).length === 0, 15_000)
  })

  it('refuses a bad port before it starts anything', async () => {
    const dir = makeApp()
    const outcome = await others(dir, script('start'), '--port', '70000')
    expect(outcome).toEqual({
      code: 1,
      output: '--port must be a number from 1 to 43857, not "70000" (Motia also opens port + 21678)\n',
    })
    expect(existsSync(join(dir, '.motia'))).toBe(false)
  })

  it('forgets a start that was killed, even when its process id is somebody else’s now', async () => {
    const dir = makeApp()
    const run = start(dir, '--port', String(await freePort()))
    const record = join(dir, '.motia', 'start.json')
    await until('its record', () => existsSync(record), 30_000)
    run.child.kill('SIGKILL')
    await run.ended
    writeFileSync(record, JSON.stringify({ pid: process.pid, port: 1 }))
    expect(await others(dir, script('workbench'), '--port', String(await freePort()))).toMatchObject({ code: 1 })
    const again = start(dir, '--port', String(await freePort()))
    await until('the new record', () => readFileSync(record, 'utf8').includes(`"pid":${again.pid}`), 30_000)
  })
})
