import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { writeClientCode } from '../../src/motia/plugin/client-code.ts'
import { CALL, CLIENT_CODE, HOST_MARKER, REPLY } from '../../src/motia/step/protocol.ts'
import { testFolder } from '../support/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const client = join(root, 'dist', 'client.cjs')
const runner = join(root, 'node_modules/@motiadev/core/dist/src/node/node-runner.mjs')
const step = join(root, 'test/fixtures/injection/plain/uses-cache.js')

interface Message {
  readonly id?: number
  readonly type?: string
  readonly op?: string
  readonly method?: string
  readonly args?: unknown
}

/** What the step answers, and what it printed; the test is its server. */
const run = (code: string | undefined, flags: readonly string[] = []) =>
  new Promise<{ result: unknown; errors: string }>((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: `--require=${join(root, 'dist', 'preload.cjs')}`, [HOST_MARKER]: '1' }
    const child = spawn(process.execPath, [...flags, runner, step, '{"data":{},"flows":[],"streams":[]}'], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: code === undefined ? env : { ...env, [CLIENT_CODE]: code },
    })
    let stored: unknown
    let result: unknown
    let errors = ''
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    child.on('message', ({ id, type, op, method, args }: Message) => {
      if (type === CALL) {
        if (op === 'set') stored = (args as unknown[])[1]
        child.send({ type: REPLY, id, ...(op === 'get' && { value: stored }) })
        return
      }
      if (method === 'result') result = args
      if (method === 'close' && args !== undefined) child.kill('SIGKILL')
      if (id !== undefined) child.send({ type: 'rpc_response', id })
    })
    child.once('close', () => resolve({ result, errors }))
  })

const answer = { result: { at: 0, id: '1', wrong: 'CACHE_INVALID_KEY' }, errors: '' }

describe("the client with what the server's V8 made of it", () => {
  it('is taken by V8 as its own, and readable by its user only', async () => {
    const path = await writeClientCode(client)
    const code = readFileSync(path)
    const end = 4 + code.readUInt32LE(0)
    const source = code.toString('utf8', 4, end)
    expect(source).toContain(readFileSync(client, 'utf8'))
    const script = new Script(source, { filename: client, cachedData: code.subarray(end) })
    expect(script.cachedDataRejected).toBe(false)
    expect(code.length - end).toBeGreaterThan(15_000) // with the functions that a call needs
    expect(statSync(path).mode & 0o077).toBe(0)
  })

  it('takes the place of what killed servers left, and of nothing else', async () => {
    const ended = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
    await new Promise((resolve) => ended.once('exit', resolve))
    const orphan = join(tmpdir(), `motia-redis-client-${ended.pid}-abcdef`)
    const living = join(tmpdir(), `motia-redis-client-${process.ppid}-abcdef`)
    const foreign = join(tmpdir(), `motia-redis-client-${ended.pid}`)
    const all = [orphan, living, foreign]
    try {
      for (const folder of all) mkdirSync(folder)
      const write = ['--import', 'tsx', '--input-type=module', '-e']
      const code = `import { writeClientCode } from './src/motia/plugin/client-code.ts'; await writeClientCode(${JSON.stringify(client)})`
      const server = spawn(process.execPath, [...write, code], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
      expect(await new Promise((resolve) => server.once('exit', resolve))).toBe(0)
      expect(all.map((folder) => existsSync(folder))).toEqual([false, true, true])
    } finally {
      for (const folder of all) rmSync(folder, { recursive: true, force: true })
    }
  })

  it('does in a step what the package does, values that JSON does not know too', async () => {
    expect(await run(await writeClientCode(client))).toEqual(answer)
    expect(await run(undefined)).toEqual(answer)
  })

  it('is what the step loads', async () => {
    const path = await writeClientCode(client)
    const code = readFileSync(path)
    const text = '(function(exports){exports.stepSide=()=>{throw new Error("from the file")}})'
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    const other = join(testFolder(), 'client')
    writeFileSync(other, Buffer.concat([length, Buffer.from(text), code.subarray(4 + code.readUInt32LE(0))]))
    expect((await run(other)).result).toBeUndefined()
  })

  it.each([
    ['that is gone', '/nowhere/client'],
    ['that is empty', ''],
    ['of another kind', 'not code at all'],
  ])('from a file %s leaves the step to the package', async (_what, content) => {
    const path = content.startsWith('/') ? content : join(testFolder(), 'client')
    if (path !== content) writeFileSync(path, content)
    expect(await run(path)).toEqual(answer)
  })

  it('made with other flags is compiled from its text', async () => {
    expect(await run(await writeClientCode(client), ['--no-opt'])).toEqual(answer)
  })
})
