import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { RedisTiers } from '../../types/index.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { expectNothingUnhandled } from '../support/unhandled.ts'
import { until } from '../support/until.ts'
import { quickFolder } from './folder.ts'
import { openTiers } from './places.ts'

expectNothingUnhandled()

const ends: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})
const open = (primary: string, secondary: string): RedisTiers => {
  const dir = quickFolder('start')
  const tiers = openTiers({ primary, secondary, dir })
  ends.push(tiers.close, async () => rmSync(dir, { recursive: true, force: true }))
  return tiers
}

/** Everything that is homed on an instance that was never there. */
const works = async ({ cache, state }: RedisTiers): Promise<void> => {
  await cache.set('k', 'cached', { category: 'analytics' })
  expect(await cache.get('k', { category: 'analytics' })).toBe('cached')
  await cache.set('k', 'kept', { category: 'orders' })
  expect(await cache.get('k', { category: 'orders' })).toBe('kept')
  expect(await cache.increment('n', { category: 'analytics' })).toBe(1)
  await state.set('g', 'k', { kept: true })
  expect(await state.get('g', 'k')).toEqual({ kept: true })
  expect(await state.getGroup('g')).toEqual([{ kept: true }])
}
const reasonOf = ({ health }: RedisTiers): Promise<string> =>
  until(
    'it says why',
    () => health().instances.find(({ name, state }) => name === 'primary' && state === 'down')?.reason,
  )

it('a host name that nobody knows', async () => {
  const secondary = await startTestRedis()
  const tiers = open('redis://user:geheim@nx.invalid:6379', secondary.url)
  await works(tiers)
  expect(await reasonOf(tiers)).toMatch(/host name/)
})

it('a wrong password, until it is right', async () => {
  const [primary, secondary] = await Promise.all([
    startTestRedis({ args: ['--requirepass', 'other'] }),
    startTestRedis(),
  ])
  const tiers = open(primary.url.replace('//', '//:geheim@'), secondary.url)
  await works(tiers)
  const reason = await reasonOf(tiers)
  expect(reason).toMatch(/password/)
  expect(reason).not.toMatch(/geheim/)
  await primary.restart(['--requirepass', 'geheim'])
  await until('it serves', () => tiers.health().status === 'ok', 20_000)
  expect(await tiers.cache.get('k', { category: 'orders' })).toBe('kept')
  expect(await tiers.state.get('g', 'k')).toEqual({ kept: true })
})

const noOpenssl = spawnSync('openssl', ['version']).status !== 0

it.skipIf(noOpenssl)('a certificate that nobody vouches for is not accepted', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-tls-'))
  ends.push(async () => rmSync(dir, { recursive: true, force: true }))
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')]
  const subject = ['-subj', '/CN=localhost', '-days', '2', '-keyout', key, '-out', certificate]
  spawnSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject])
  const [plain, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  // The plain port stays, because that is how a test's server is found to be ready.
  const tlsPort = plain.port + 1
  const tls = ['--tls-port', `${tlsPort}`, '--tls-cert-file', certificate, '--tls-key-file', key]
  await plain.restart([...tls, '--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'])
  const tiers = open(`rediss://127.0.0.1:${tlsPort}`, secondary.url)
  await works(tiers)
  expect(await reasonOf(tiers)).toMatch(/certificate|TLS/i)
})

it('a value that the server would refuse as too large is refused before; what waits for it does not stop the rest', async () => {
  const [primary, secondary] = await Promise.all([
    startTestRedis({ args: ['--proto-max-bulk-len', '1mb'] }),
    startTestRedis(),
  ])
  const tiers = open(primary.url, secondary.url)
  const huge = 'x'.repeat(1024 * 1024 - 10)
  await tiers.cache.set('before', 'x', { category: 'orders' })
  await primary.crash()
  await until('it is known to be away', () => tiers.health().instances[0]?.state === 'down')
  // Within our limit, and in its envelope above the server's.
  await tiers.cache.set('huge', huge, { category: 'orders' }).catch((error) => expect(error.code).toMatch(/^CACHE_/))
  await tiers.cache.set('after', 'x', { category: 'orders' })
  await primary.restart()
  await until('it serves', () => tiers.health().status === 'ok', 20_000)
  expect(await tiers.cache.get('before', { category: 'orders' })).toBe('x')
  expect(await tiers.cache.get('after', { category: 'orders' })).toBe('x')
})
