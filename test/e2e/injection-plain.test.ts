import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { withPreload } from '../../src/motia/plugin/injection.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const runner = join(root, 'node_modules/@motiadev/core/dist/src/node/node-runner.mjs')
const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
const preload = join(root, 'dist', 'preload.cjs')
const steps = fileURLToPath(new URL('../fixtures/injection/plain', import.meta.url))

interface Run {
  readonly messages: { readonly method?: string; readonly args?: unknown }[]
  readonly code: number | null
  readonly errors: string
}

interface RunOptions {
  readonly injected: boolean
  readonly viaTsx?: boolean
  /** Flags of node itself, before the script. */
  readonly flags?: readonly string[]
  /** What the user has in NODE_OPTIONS. */
  readonly own?: string
}

/** What Motia's own runner tells the server about a step. */
const run = (file: string, options: RunOptions): Promise<Run> =>
  new Promise((resolve) => {
    const event = JSON.stringify({ data: { a: 1 }, flows: ['f'], traceId: 't', contextInFirstArg: false, streams: [] })
    const { flags = [], own } = options
    const args = [
      ...flags,
      ...(options.viaTsx === true ? [tsx] : []),
      runner,
      isAbsolute(file) ? file : join(steps, file),
      event,
    ]
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: {
        ...process.env,
        NODE_OPTIONS: options.injected ? withPreload(own, preload) : (own ?? ''),
        MOTIA_REDIS_HOST_READY: '1',
      },
    })
    const messages: Run['messages'][number][] = []
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.on('message', (message: { id?: string; method?: string; args?: { time?: number } }) => {
      const { id, method, args } = message
      if (args?.time !== undefined) args.time = 0
      messages.push({ ...(method === undefined ? {} : { method }), args })
      if (id !== undefined) child.send({ type: 'rpc_response', id })
      // As Motia does: after a failure the process doesn't end by itself.
      if (method === 'close' && args !== undefined) child.kill('SIGKILL')
    })
    child.once('close', (code) => resolve({ messages, code, errors }))
  })

/** Not among the fixtures, because no tool can read it. */
const folder = mkdtempSync(join(tmpdir(), 'motia-redis-plain-'))
const unreadable = join(folder, 'syntax.js')
writeFileSync(unreadable, 'export const handler = async () => { return }}')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const files = [
  'result.js',
  'nothing.js',
  'sync.js',
  'middleware.js',
  'short-circuit.js',
  'throws.js',
  'rejects.js',
  'throws-text.js',
  'no-handler.js',
  'import-throws.js',
  'import-missing.js',
  unreadable,
  'unhandled.js',
  'exits.js',
]

/** When the whole process crashes, Node prints our middleware's two lines as it would those of any middleware. */
const withoutOurs = (errors: string): string =>
  errors.replace(/ +at .*\/dist\/wrapper\.mjs:.*\n +at file:.*middleware-compose\.mjs:4:69\n/, '')

describe('a plain step is as with no plugin: results, errors, stacks, exit', () => {
  it.concurrent.each(files)('%s', async (file) => {
    const [plain, injected] = await Promise.all([run(file, { injected: false }), run(file, { injected: true })])
    expect({ ...injected, errors: withoutOurs(injected.errors) }).toEqual(plain)
    expect(plain.messages.length + plain.errors.length + (plain.code ?? 0)).toBeGreaterThan(0)
  })

  it.concurrent.each(['result.js', 'rejects.js', 'no-handler.js'])('%s through tsx', async (file) => {
    const [plain, injected] = await Promise.all([
      run(file, { injected: false, viaTsx: true }),
      run(file, { injected: true, viaTsx: true }),
    ])
    expect(injected).toEqual(plain)
  })
})

describe('inspector flags', () => {
  const ways: [way: string, options: Partial<RunOptions>][] = [
    ['NODE_OPTIONS', { own: '--inspect=0' }],
    ['the flags of node', { flags: ['--inspect=0'] }],
    ['both', { own: '--inspect-port=0', flags: ['--inspect', '--no-warnings'] }],
  ]
  it.concurrent.each(ways)('in %s: the debugger listens, the step runs as without us', async (_, options) => {
    const [plain, injected] = await Promise.all([
      run('result.js', { ...options, injected: false }),
      run('result.js', { ...options, injected: true }),
    ])
    for (const { errors } of [plain, injected]) expect(errors).toMatch(/Debugger listening on ws:/)
    expect({ ...injected, errors: '' }).toEqual({ ...plain, errors: '' })
    expect(injected.errors.split('\n').length).toBe(plain.errors.split('\n').length)
  })
})

describe('what the step side loads', () => {
  const found = (name: string, pattern: RegExp): string[] =>
    [...readFileSync(join(root, 'dist', name), 'utf8').matchAll(pattern)].map((one) => one[1] ?? '')
  const imported = (name: string): string[] =>
    found(name, /(?:^|;)(?:import|export)(?:[^'"();]*?\bfrom)?\s*["']([^"']+)["']/gm)
  const required = (name: string): string[] => found(name, /\brequire\(\s*["'`]([^"'`]+)/g)

  it('each part is one file, and needs nothing but what Node brings', () => {
    // When they are needed; Node itself has loaded its own by then.
    expect(required('preload.cjs')).toEqual(['node:url', 'node:path', 'node:fs', 'node:vm', './client.cjs'])
    expect(required('client.cjs')).toEqual([]) // careful.cjs by its full path, when it is needed
    expect(required('careful.cjs')).toEqual(['node:util'])
    expect(imported('wrapper.mjs')).toEqual([])
    expect(imported('step.js').filter((one) => !one.startsWith('node:'))).toEqual([])
  })

  it('a step that does not look at context.cache does not load the client', async () => {
    const [without, looks] = await Promise.all([
      run('loaded.js', { injected: true }),
      run('loaded-cache.js', { injected: true }),
    ])
    const loaded = ({ messages }: Run): unknown => messages.find(({ method }) => method === 'result')?.args
    expect([loaded(without), loaded(looks)]).toEqual([{ client: false }, { client: true }])
  })
})
