import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Cache, RedisTiers, RedisTiersOptions } from '../../types/index.ts'
import { testFolder } from '../support/folder.ts'
import { blocksOf } from '../support/markdown.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { openTestTiers } from '../support/tiers.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'

expectNothingUnhandled()

const document = fileURLToPath(new URL('../../docs/caching.md', import.meta.url))
const examples = blocksOf(document, 'docs/caching.md').filter(({ language }) => language === 'ts')

let urls: Record<string, string>
beforeAll(async () => {
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  urls = { REDIS_PRIMARY_URL: primary.url, REDIS_SECONDARY_URL: secondary.url }
})

/** Tiers of one example, with keys of their own. */
const tiersOf = (section: string, options: Options = {}): RedisTiers =>
  openTestTiers({ ...urls, MOTIA_REDIS_NAMESPACE: `${section.replace(' ', '-')}:` }, options).tiers

type Options = RedisTiersOptions<Record<string, unknown>>
interface Given {
  readonly cache?: Cache
  readonly fetch?: (url: string) => Promise<Response>
}

const codeOf = (section: string): string => {
  const [example, ...more] = examples.filter((each) => each.section === section)
  if (example === undefined || more.length > 0) throw new Error(`one example in section ${section}`)
  return example.code
}

/** Runs the example as it stands; what it printed, and the options that it gave to redisTiers, if it did. */
const run = async (section: string, { cache, fetch }: Given): Promise<{ printed: unknown[]; options: Options }> => {
  const printed: unknown[] = []
  let options: Options = {}
  const source = codeOf(section)
    .replace(/^import .*$/gm, '')
    .replace('export default ', '')
    // What a line is said to answer is printed, too.
    .replace(/^(await cache\.invalidateTags\(.*\)) \/\/.*$/gm, 'console.log($1)')
  const code = ts.transpile(source, { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext })
  const AsyncFunction = run.constructor as FunctionConstructor
  const redisTiers = (given: Options) => {
    options = given
    return {}
  }
  const body = new AsyncFunction('cache', 'console', 'fetch', 'redisTiers', 'config', code)
  await body(cache, { log: (...what: unknown[]) => printed.push(...what) }, fetch, redisTiers, () => undefined)
  return { printed, options }
}

describe('the examples of docs/caching.md', () => {
  it('are all run here, but for the step, which end-to-end tests run', () => {
    expect(examples.map(({ section }) => section)).toEqual([
      ...['Leases', 'Grace', 'Loaders', 'Nothing there', 'Tags', 'L1', 'Compression', 'Bulk', 'Whole responses'],
    ])
  })

  it('Leases: one computation', async () => {
    const tiers = tiersOf('Leases')
    expect((await run('Leases', tiers)).printed).toEqual([1])
  })

  it('Grace: the old one at once, a new one behind it', async () => {
    const tiers = tiersOf('Grace')
    const { printed } = await run('Grace', tiers)
    await until('it is renewed', () => printed.length === 2)
    expect(printed).toEqual(['computing', 'renewing'])
  })

  it('Loaders: read through', async () => {
    const asked: string[] = []
    const fetch = async (url: string): Promise<Response> => {
      asked.push(url)
      return url.endsWith('/soup') ? Response.json({ cents: 650 }) : new Response('', { status: 404 })
    }
    const { options } = await run('Loaders', { fetch })
    const { cache } = tiersOf('Loaders', options)
    const dishes = cache.category('dishes')
    expect([await dishes.get('soup'), await dishes.get('soup')]).toEqual([{ cents: 650 }, { cents: 650 }])
    expect([await dishes.get('stone'), await dishes.get('stone')]).toEqual([undefined, undefined])
    expect(asked).toEqual(['https://kitchen.example/dishes/soup', 'https://kitchen.example/dishes/stone'])
  })

  it('Nothing there: remembered', async () => {
    const { options } = await run('Nothing there', {})
    const { cache } = tiersOf('Nothing there', options)
    expect(await cache.get('ada', { category: 'user' })).toEqual({ name: 'Ada' })
    expect(await cache.get('bob', { category: 'user' })).toBeUndefined()
    await cache.getOrSet('bob', () => Promise.reject(new Error('asked again')), { category: 'user' })
  })

  it('Tags: as many as it says', async () => {
    const tiers = tiersOf('Tags')
    expect((await run('Tags', tiers)).printed).toEqual([2, 0])
  })

  it('L1: answered from a copy', async () => {
    const tiers = tiersOf('L1')
    await tiers.cache.get('today', { category: 'menu' })
    await until('it is told of changes', () => tiers.health().instances.some(({ tracking }) => tracking === 'on'))
    // News of the write that arrives while it is read keeps a copy from being made.
    await until('there is a copy', async () => (await run('L1', tiers)).printed[0] === 'l1')
  })

  it('Compression: less in Redis, the same to readers', async () => {
    const { options } = await run('Compression', {})
    const { cache } = tiersOf('Compression', options)
    const menu = Array.from({ length: 60 }, (_, at) => ({ dish: `number ${at}`, cents: 650, allergens: ['nuts'] }))
    await cache.set('large', menu, { category: 'menu' })
    expect(await cache.get('large', { category: 'menu' })).toEqual(menu)
    const plain = tiersOf('Compression')
    expect(await plain.cache.get('large', { category: 'menu' })).toEqual(menu)
  })

  it('Bulk: what is there, in the order asked', async () => {
    const tiers = tiersOf('Bulk')
    expect((await run('Bulk', tiers)).printed).toEqual([['monday', 'tuesday']])
  })
})

describe('the script of docs/cache.md', () => {
  const page = fileURLToPath(new URL('../../docs/cache.md', import.meta.url))

  it('writes what it says, and ends', async () => {
    const [script] = blocksOf(page, 'docs/cache.md').filter(({ file }) => file === 'scripts/warm.ts')
    const folder = testFolder()
    const source = new URL('../../src/index.ts', import.meta.url)
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'warm.ts'), script?.code.replace("'motia-redis'", `'${source}'`) ?? '')
    const { PATH = '' } = process.env
    const env = { PATH, ...urls, MOTIA_REDIS_NAMESPACE: 'script:', MOTIA_REDIS_DIR: join(folder, 'files') }
    // Without `close` it would go on until it is killed, which is an error.
    const command = ['--import', import.meta.resolve('tsx'), 'warm.ts']
    await promisify(execFile)(process.execPath, command, { cwd: folder, env, timeout: 30_000 })
    const { cache } = tiersOf('script')
    expect(await cache.get('today', { category: 'menu' })).toEqual([{ id: 'soup', cents: 650 }])
  })
})
