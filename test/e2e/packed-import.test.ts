import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')

const asData = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`
const urlOf = (file: string): string => pathToFileURL(join(dist, file)).href
const run = (...args: string[]): string => execFileSync(process.execPath, args, { cwd: root, env: {} }).toString()

/** Every module a fresh process loads for the import, as URLs. */
const loadedWith = (file: string): string[] => {
  const hooks = `
    import { writeSync } from 'node:fs'
    export const resolve = async (specifier, context, next) => {
      const found = await next(specifier, context)
      if (!found.url.startsWith('data:')) writeSync(1, found.url + '\\n')
      return found
    }`
  const watched = `import { register } from 'node:module'; register(${JSON.stringify(asData(hooks))})`
  const command = `await import(${JSON.stringify(urlOf(file))})`
  const lines = run('--import', asData(watched), '--input-type=module', '-e', command)
  return [...new Set(lines.trim().split('\n'))]
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

/** The specifiers that are loaded at once with a built file, through its chunks. */
const staticImports = (file: string, seen = new Set<string>()): Set<string> => {
  const text = readFileSync(file, 'utf8')
  for (const [, specifier = ''] of text.matchAll(/^\s*(?:import|export)\b[^'"();]*?["']([^"']+)["']/gm)) {
    if (!specifier.startsWith('.')) seen.add(specifier)
    else if (!seen.has(join(dirname(file), specifier))) {
      seen.add(join(dirname(file), specifier))
      staticImports(join(dirname(file), specifier), seen)
    }
  }
  return seen
}

describe('what comes in with an import', () => {
  it.each(['index.js', 'step.js'])('%s loads itself and parts of node, no other package', (file) => {
    const urls = loadedWith(file)
    expect(urls).toContain(urlOf(file))
    const own = `${pathToFileURL(dist).href}/`
    expect(urls.filter((url) => !url.startsWith('node:') && !url.startsWith(own))).toEqual([])
  })

  it.each(['index.js', 'step.js', 'wrapper.mjs'])('%s names no package in a static import', (file) => {
    const packages = [...staticImports(join(dist, file))].filter(
      (specifier) => !specifier.startsWith('node:') && !specifier.startsWith(dist),
    )
    expect(packages).toEqual([])
  })

  it('the heavy packages are there, in a chunk that is imported later', () => {
    const chunks = readdirSync(dist).filter((name) => name.endsWith('.js'))
    const packages = chunks.flatMap((name) => [...staticImports(join(dist, name))])
    expect(packages).toEqual(expect.arrayContaining(['ioredis', 'lmdb']))
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
