import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')

const asData = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`
const urlOf = (file: string): string => pathToFileURL(join(dist, file)).href
const run = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: root, env: {} }).toString()

/** Every file a fresh process loads for the import, and for what is done with it, as URLs. */
const loadedWith = (file: string, then = ''): string[] => {
  const hooks = `
    import { writeSync } from 'node:fs'
    export const resolve = async (specifier, context, next) => {
      const found = await next(specifier, context)
      if (!found.url.startsWith('data:')) writeSync(1, found.url + '\\n')
      return found
    }`
  const watched = `import { register } from 'node:module'; register(${JSON.stringify(asData(hooks))})`
  const command = `
    const it = await import(${JSON.stringify(urlOf(file))})
    ${then}
    const { default: modules } = await import('node:module')
    for (const path of Object.keys(modules._cache)) console.log('file://' + path)`
  const lines = run('--import', asData(watched), '--input-type=module', '-e', command)
  return [...new Set(lines.trim().split('\n'))].filter((url) => !url.startsWith('node:'))
}

/** ms of processor time that importing costs a fresh process. */
const costOf = (specifier: string): number => {
  const command = `
    const before = process.cpuUsage()
    await import(${JSON.stringify(specifier)})
    const { user, system } = process.cpuUsage(before)
    console.log((user + system) / 1000)`
  return Number(run('--input-type=module', '-e', command))
}

/** The packages a built CommonJS file requires, wherever in it. */
const required = (name: string): string[] => {
  const text = readFileSync(join(dist, name), 'utf8')
  return [...text.matchAll(/\brequire\(["'`]([^"'`]+)["'`]\)/g)].flatMap(([, found = '']) =>
    found.startsWith('.') || isBuiltin(found) ? [] : [found],
  )
}

/** What requires other packages. */
const heavy = (): string[] => readdirSync(dist).filter((name) => name.endsWith('.cjs') && required(name).length > 0)

describe('what comes in with an import', () => {
  it.each(['index.js', 'step.js'])('%s is all that is loaded', (file) => {
    expect(loadedWith(file)).toEqual([urlOf(file)])
  })

  it('redisTiers() loads more of this package, and no other', () => {
    const urls = loadedWith('index.js', "it.redisTiers({ env: { REDIS_PRIMARY_URL: 'redis://127.0.0.1:1' } })")
    expect(urls).toContain(urlOf('server.cjs'))
    const own = `${pathToFileURL(dist).href}/`
    expect(urls.filter((url) => !url.startsWith(own) || heavy().some((chunk) => url === own + chunk))).toEqual([])
  })

  it('the heavy packages are there, in chunks that are loaded later', () => {
    for (const name of heavy()) expect(name).toMatch(/^\w+-[\w-]{8}\.cjs$/)
    expect(heavy().flatMap(required)).toEqual(expect.arrayContaining(['ioredis', 'lmdb', 'zod']))
  })

  it('costs less than a sixth of what ioredis costs: 10 ms where that takes 60', () => {
    // Ratios of one run, the best of some: a busy machine slows all of them down.
    const nothing = asData('export {}')
    const specifiers = [nothing, urlOf('index.js'), urlOf('step.js'), 'ioredis'] as const
    const best = new Map<string, number>()
    for (let round = 0; round < 10; round++) {
      for (const specifier of specifiers) {
        best.set(specifier, Math.min(best.get(specifier) ?? Number.POSITIVE_INFINITY, costOf(specifier)))
      }
    }
    const [empty = 0, index = 0, step = 0, ioredis = 0] = specifiers.map((specifier) => best.get(specifier))
    expect(index - empty).toBeLessThan((ioredis - empty) / 6)
    expect(step - empty).toBeLessThan((ioredis - empty) / 6)
  })
})

it('no source of the package looks like a step or stream to Motia, which scans src too', () => {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((name) => /[._](step|stream)\.(ts|js|py|rb)$/.test(name))).toEqual([])
})
