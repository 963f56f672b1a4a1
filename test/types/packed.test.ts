import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { npmLayout, packInto, pnpmLayout, writeTsconfig } from '../support/packed.ts'

const cases = fileURLToPath(new URL('cases', import.meta.url))
const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))

/** line, code, the text the error points at */
type Fault = readonly [line: number, code: string, at: string]

const badStep: readonly Fault[] = [
  [3, 'TS2322', "category: 'meun'"],
  [4, 'TS2322', "price: '2'"],
  [5, 'TS2353', 'extra: 1'],
  [6, 'TS2322', '({ id: 1 })'],
  [7, 'TS2322', '({ id: 1 })'],
  [8, 'TS2322', "price: '2'"],
  [9, 'TS2345', "'meun'"],
  [10, 'TS2322', "category: 'menu'"],
  [11, 'TS2322', "ttl: '10 parsecs'"],
  [12, 'TS2353', 'tll: 5'],
  [13, 'TS2554', 'clear()'],
  [14, 'TS2559', '2)'],
]
const badConfig: readonly Fault[] = [
  [4, 'TS2353', "tll: '6h'"],
  [5, 'TS2322', "ttl: '10 parsecs'"],
  [6, 'TS2322', "onOutage: 'failopen'"],
  [7, 'TS2353', "id: 'string'"],
  [10, 'TS2322', 'menu: async'],
  [11, 'TS2353', 'meun: async'],
  [11, 'TS7006', 'key)'], // a loader under a wrong name has no type for its key
  [12, 'TS2353', 'tlt: 5'],
  [16, 'TS2322', "category: 'zzz'"],
]
const badJavaScript: readonly Fault[] = [
  [3, 'TS2322', "category: 'meun'"],
  [4, 'TS2322', "price: '2'"],
  [5, 'TS2554', 'clear()'],
  [7, 'TS2322', 'price ='],
]

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'motia-redis-types-')))
let packed = ''
beforeAll(() => {
  packed = packInto(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const layouts = {
  npm: (app: string) => npmLayout(app, packed),
  pnpm: (app: string) => pnpmLayout(app, packed, ['zod']),
}

const makeApp = (layout: keyof typeof layouts): string => {
  const app = join(folder, layout)
  mkdirSync(app)
  cpSync(cases, app, { recursive: true })
  layouts[layout](app)
  return app
}

/** What tsc says of these files of the app, by file. */
const judge = async (
  app: string,
  files: readonly string[],
  options: Record<string, unknown> = {},
): Promise<Map<string, Fault[]>> => {
  const config = join(app, `tsconfig.${Object.keys(options).join('.')}.json`)
  writeTsconfig(config, files, { types: [], ...options })
  const output = await new Promise<string>((resolve, reject) => {
    execFile(process.execPath, [tsc, '-p', config, '--pretty', 'false'], { cwd: app }, (error, stdout, stderr) => {
      // tsc ends with 2 when it has found faults: that is an answer.
      if (error !== null && error.code !== 2 && error.code !== 1) reject(new Error(stderr, { cause: error }))
      else resolve(stdout)
    })
  })
  const found = new Map<string, Fault[]>()
  for (const line of output.split('\n')) {
    if (line === '' || line.startsWith(' ')) continue // further lines of one message are indented
    const [, file = '', row = '', column = '', code = ''] = /^(\S+?)\((\d+),(\d+)\): error (TS\d+):/.exec(line) ?? []
    if (file === '') throw new Error(`tsc says: ${line}`)
    const text = readFileSync(join(app, file), 'utf8').split('\n')[Number(row) - 1] ?? ''
    const faults = found.get(file) ?? []
    faults.push([Number(row), code, text.slice(Number(column) - 1)])
    found.set(file, faults)
  }
  return found
}

const expectFaults = (found: readonly Fault[] | undefined, wanted: readonly Fault[]): void => {
  expect(found?.map(([line, code]) => [line, code])).toEqual(wanted.map(([line, code]) => [line, code]))
  found?.forEach(([, , at], index) => {
    expect(at.startsWith(wanted[index]?.[2] ?? '')).toBe(true)
  })
}

const files = [
  'types.d.ts',
  'cache.config.ts',
  'motia.config.ts',
  'good.step.ts',
  'good-javascript.step.js',
  'bad.step.ts',
  'bad-config.ts',
  'bad-javascript.step.js',
]

describe.each(['npm', 'pnpm'] as const)('the packed package in the %s layout', (layout) => {
  let app = ''
  beforeAll(() => {
    app = makeApp(layout)
  })

  it.each([
    ['as motia create configures it', {}],
    ['under exactOptionalPropertyTypes', { exactOptionalPropertyTypes: true }],
  ])('good files are clean and each bad line has its fault, %s', async (_name, options) => {
    const found = await judge(app, files, { checkJs: true, ...options })
    expect([...found.keys()].sort()).toEqual(['bad-config.ts', 'bad-javascript.step.js', 'bad.step.ts'])
    expectFaults(found.get('bad.step.ts'), badStep)
    expectFaults(found.get('bad-config.ts'), badConfig)
    expectFaults(found.get('bad-javascript.step.js'), badJavaScript)
  })

  if (layout === 'pnpm') {
    it('keeps @motiadev/core out of reach of the app and of the package', () => {
      const resolve = (from: string) => () =>
        createRequire(join(realpathSync(from), 'x.js')).resolve('@motiadev/core/package.json')
      expect(resolve(app)).toThrow(/Cannot find module/)
      expect(resolve(join(app, 'node_modules', 'motia-redis'))).toThrow(/Cannot find module/)
    })
  }

  it('takes any category while the app has declared none', async () => {
    expect(await judge(app, ['unregistered.step.ts'])).toEqual(new Map())
  })
})

it('the codes are those the contract names beside its lines', () => {
  const lines = readFileSync(join(cases, 'bad.step.ts'), 'utf8').split('\n')
  const named = lines.flatMap((line, index) => {
    const code = /\/\/ (TS\d+)$/.exec(line)?.[1]
    return code === undefined ? [] : [[index + 1, code]]
  })
  expect(badStep.map(([line, code]) => [line, code])).toEqual(named)
})
