import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type MotiaApp, startMotia } from '../support/motia-app.ts'
import { packInto, pnpmLayout } from '../support/packed.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { servedPanel } from '../support/workbench.ts'

// What `npm pack` packs, in an app of its own, where it sees the packages it declares and no other: a file or a
// dependency that is missing in package.json is missing here too.
const folder = mkdtempSync(join(tmpdir(), 'motia redis packed '))
const app = join(folder, 'app')
let packed = ''
let motia: MotiaApp
let primary: Redis
let secondary: Redis

beforeAll(async () => {
  packed = packInto(folder)
  cpSync(fileURLToPath(new URL('../fixtures/packed-app', import.meta.url)), app, { recursive: true })
  mkdirSync(join(app, 'node_modules'))
  pnpmLayout(app, packed, ['zod'])
  const servers = await Promise.all([startTestRedis(), startTestRedis()])
  primary = new Redis(servers[0].url)
  secondary = new Redis(servers[1].url)
  const env = { REDIS_PRIMARY_URL: servers[0].url, REDIS_SECONDARY_URL: servers[1].url }
  motia = await startMotia({ dir: app, env, workbench: true })
})
afterAll(async () => {
  await motia?.stop()
  primary?.disconnect()
  secondary?.disconnect()
  rmSync(folder, { recursive: true, force: true })
})

it('holds what a user needs and nothing else', () => {
  expect(readdirSync(packed).sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'docs', 'package.json'])
  const kinds = readdirSync(join(packed, 'dist')).map((name) => name.replace(/^[^.]*/, ''))
  expect([...new Set(kinds)].sort()).toEqual([
    '.cjs',
    '.cjs.map',
    '.css',
    '.d.ts',
    '.js',
    '.js.map',
    '.mjs',
    '.mjs.map',
  ])
})

it('has every page its README and docs lead to', () => {
  const pages = [
    'README.md',
    ...readdirSync(join(packed, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join('docs', name)),
  ]
  const links = pages.flatMap((page) =>
    [...readFileSync(join(packed, page), 'utf8').matchAll(/\]\(([^)#:]+)[^):]*\)/g)].map(([, target = '']) =>
      join(packed, dirname(page), target),
    ),
  )
  expect(links.length).toBeGreaterThan(4)
  expect(links.filter((target) => !existsSync(target))).toEqual([])
})

it('declares the packages it loads, and no other', () => {
  const dist = join(packed, 'dist')
  const loaded = readdirSync(dist).flatMap((name) =>
    /\.([cm]?js|d\.ts)$/.test(name)
      ? [
          ...readFileSync(join(dist, name), 'utf8').matchAll(
            /(?:\bfrom|\bimport\(|\bimport|\brequire\() ?["'`]([@\w][^"'`]*)["'`]/g,
          ),
        ]
      : [],
  )
  const packages = loaded
    .map(([, specifier = '']) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
    .filter((name) => !isBuiltin(name) && name !== 'motia-redis')
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(packed, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'peerDependencies',
    Record<string, string>
  >
  expect([...new Set(packages)].sort()).toEqual(Object.keys({ ...dependencies, ...peerDependencies }).sort())
})

it('serves a TypeScript step and a JavaScript step of an installed package', async () => {
  expect(await motia.json('/write', { dish: 'soup' })).toEqual({ written: true })
  expect(await motia.json('/read')).toEqual({
    dish: 'soup',
    year: 2020,
    visits: '2',
    table: { taken: false },
    refused: 'CACHE_INVALID_VALUE',
  })
})

it('keeps each thing on its instance', async () => {
  expect(await secondary.exists('menu:today', 'user:ada')).toBe(2)
  expect(await secondary.pttl('menu:today')).toBeGreaterThan(0)
  expect(await primary.exists('menu:today', 'user:ada')).toBe(0)
  expect(await primary.hkeys('~mr:state:table')).toEqual(['one'])
})

it('says at start where it stands', () => {
  expect(motia.output()).toMatch(/motia-redis {2}primary +up/)
  expect(motia.output()).toMatch(/motia-redis {2}context\.cache is in every step; Workbench tab "Cache"/)
})

it('puts its tab into the Workbench', async () => {
  const { tab, module, styles } = await servedPanel(motia)
  expect(tab).toMatchObject({ label: 'Cache', componentName: 'CachePanel' })
  expect(module).toMatch(/export \{[^}]*CachePanel/)
  // Neither is within the package's reach here: the Workbench gives it its own.
  for (const name of ['react', '@motiadev_ui']) expect(module).toContain(`/.vite/deps/${name}.js`)
  expect(styles).toContain('.mr-panel')
})
