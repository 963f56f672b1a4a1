import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dist = join(root, 'dist')

/** Every module a fresh process loads for the import, as URLs, and the ms the import took. */
const importOf = (file: string): { urls: string[]; ms: number } => {
  const hooks = `
    import { writeSync } from 'node:fs'
    export const resolve = async (specifier, context, next) => {
      const found = await next(specifier, context)
      if (!found.url.startsWith('data:')) writeSync(1, found.url + '\\n')
      return found
    }`
  const url = JSON.stringify(pathToFileURL(join(dist, file)).href)
  const asData = (text: string): string => `data:text/javascript,${encodeURIComponent(text)}`
  const watched = `import { register } from 'node:module'; register(${JSON.stringify(asData(hooks))})`
  const run = (...args: string[]): string => execFileSync(process.execPath, args, { env: {} }).toString()
  const lines = run('--import', asData(watched), '--input-type=module', '-e', `await import(${url})`)
  const timed = `const start = performance.now(); await import(${url}); console.log(performance.now() - start)`
  return { urls: [...new Set(lines.trim().split('\n'))], ms: Number(run('--input-type=module', '-e', timed)) }
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
    const { urls } = importOf(file)
    expect(urls).toContain(pathToFileURL(join(dist, file)).href)
    const own = `${pathToFileURL(dist).href}/`
    expect(urls.filter((url) => !url.startsWith('node:') && !url.startsWith(own))).toEqual([])
  })

  it.each(['index.js', 'step.js', 'preload.js', 'wrapper.js'])('%s names no package in a static import', (file) => {
    const packages = [...staticImports(join(dist, file))].filter(
      (specifier) => !specifier.startsWith('node:') && !specifier.startsWith(dist),
    )
    expect(packages).toEqual([])
  })

  it('the heavy packages are imported all the same, later', () => {
    const all = readdirSync(dist).filter((name) => name.endsWith('.js'))
    const text = all.map((name) => readFileSync(join(dist, name), 'utf8')).join('\n')
    for (const name of ['ioredis', 'lmdb', 'superjson']) expect(text).toMatch(new RegExp(`["']${name}["']`))
  })

  it('takes under 10 ms', () => {
    // The best of some: what the import costs, not what else the machine does.
    const best = (file: string): number => {
      let ms = Number.POSITIVE_INFINITY
      for (let run = 0; run < 15 && ms >= 10; run++) ms = Math.min(ms, importOf(file).ms)
      return ms
    }
    expect(best('index.js')).toBeLessThan(10)
    expect(best('step.js')).toBeLessThan(10)
  })
})

it('no source of the package looks like a step or stream to Motia, which scans src too', () => {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  expect(names.length).toBeGreaterThan(10)
  expect(names.filter((name) => /[._](step|stream)\.(ts|js|py|rb)$/.test(name))).toEqual([])
})
