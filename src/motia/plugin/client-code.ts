import { lstatSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createContext, runInContext, Script } from 'node:vm'
import { isAlive } from '../../alive.js'
import { CALL, type CallMessage, HOST_MARKER, REPLY } from '../step/protocol.js'

/**
 * The step side's client with what V8 made of it, so that no step has to compile it again: a millisecond of each step
 * that uses the cache. (Node's own compile cache, module.enableCompileCache, is of Node 22, and would have each step write.)
 *
 * V8 takes its part for the same V8 with the same flags only, else it compiles the text; but it tells one text from
 * another by its length alone, so both are in one file, which belongs to this process: its folder has a name that
 * nobody can guess, and is readable by its user only. Answers the file's path. Rejects where there is no place for
 * temporary files: then each step loads the client from the package.
 */
export const writeClientCode = async (client: string): Promise<string> => {
  const text = `(function(exports,require,module,__filename,__dirname){${readFileSync(client, 'utf8')}\n})`
  const script = new Script(text, { filename: client })
  await rehearse(script, client)
  const source = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(source.length)
  folder ??= temporaryFolder()
  const path = join(folder, 'client')
  writeFileSync(`${path}.new`, Buffer.concat([length, source, script.createCachedData()]), { mode: 0o600 })
  renameSync(`${path}.new`, path) // a step may be reading the one before it
  return path
}

let folder: string | undefined

const NAME = /^motia-redis-client-(\d+)-\w{6}$/

const temporaryFolder = (): string => {
  removeOrphans()
  const made = mkdtempSync(join(tmpdir(), `motia-redis-client-${process.pid}-`))
  process.once('exit', () => rmSync(made, { recursive: true, force: true }))
  return made
}

/** What servers left that were killed. Only this user's folders; one that a living server misses costs its steps a compilation. */
const removeOrphans = (): void => {
  for (const name of readdirSync(tmpdir())) {
    const pid = Number(NAME.exec(name)?.[1])
    if (!(pid > 0) || isAlive(pid)) continue
    const folder = join(tmpdir(), name)
    const found = lstatSync(folder, { throwIfNoEntry: false })
    if (found?.isDirectory() && found.uid === process.getuid?.()) rmSync(folder, { recursive: true, force: true })
  }
}

interface Client {
  stepSide(): {
    readonly cache: {
      get(key: string): Promise<unknown>
      set(key: string, value: unknown): Promise<unknown>
      getOrSet(key: string, factory: () => unknown): Promise<unknown>
    }
  }
}

/** V8 compiles what runs: so what steps usually do is done once, in a realm of its own, with a server that says yes. */
const rehearse = async (script: Script, client: string): Promise<void> => {
  const loaded = { exports: {} }
  const realm = createContext({
    process: stage(),
    Buffer,
    URL,
    AbortController,
    performance,
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    setImmediate,
  })
  const load = script.runInContext(realm) as (...args: unknown[]) => void
  load(loaded.exports, undefined, loaded, client, dirname(client))
  const { cache } = (loaded.exports as Client).stepSide()
  // Of that realm: the client would take another's for no plain object.
  const value: unknown = runInContext("({ a: [1, 'b', true, null] })", realm)
  await cache.get('a')
  await cache.set('a', value)
  await cache.getOrSet('a', () => value)
}

/** A step's process, as far as the client looks at it. */
const stage = (): object => {
  let listener: (message: unknown) => void = () => undefined
  return {
    argv: ['node', '/node-runner.mjs'],
    env: { [HOST_MARKER]: '1' },
    connected: true,
    uptime: process.uptime,
    on: (event: string, listens: typeof listener) => {
      if (event === 'message') listener = listens
    },
    off: () => undefined,
    send: ({ type, id, op }: CallMessage) => {
      if (type !== CALL) return
      const value =
        op === 'set'
          ? {}
          : {
              value:
                op === 'acquire' ? { lease: { id: 1, category: 'cache', hardTimeout: 1_000 } } : { json: '{"a":1}' },
            }
      setImmediate(() => listener({ type: REPLY, id, ...value }))
    },
  }
}
