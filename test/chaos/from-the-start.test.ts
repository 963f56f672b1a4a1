import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterEach, expect, it } from 'vitest'
import { freePort } from '../../scripts/free-port.ts'
import type { RedisTiers } from '../../types/index.ts'
import { patientEnv } from '../support/patience.ts'
import { startTestRedis, type TestRedis } from '../support/redis-server.ts'
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
  const tiers = openTiers({ primary, secondary, dir, env: patientEnv })
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

const openssl = (...args: string[]): void => {
  const { status, stderr } = spawnSync('openssl', args)
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`)
}
const tlsFolder = (): string => {
  const dir = mkdtempSync(join(tmpdir(), 'motia-redis-tls-'))
  ends.push(async () => rmSync(dir, { recursive: true, force: true }))
  return dir
}
/** By itself: an authority, or what nobody vouches for. */
const certify = (dir: string, name: string): { readonly key: string; readonly certificate: string } => {
  const [key, certificate] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)]
  const made = ['-subj', `/CN=${name}`, '-days', '2', '-keyout', key, '-out', certificate]
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...made)
  return { key, certificate }
}
/** The plain port stays, because that is how a test's server is found to be ready. */
const withTls = async (server: TestRedis, { key, certificate }: ReturnType<typeof certify>): Promise<string> => {
  const port = await freePort()
  const tls = ['--tls-port', `${port}`, '--tls-cert-file', certificate, '--tls-key-file', key]
  await server.restart([...tls, '--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'])
  return `rediss://127.0.0.1:${port}`
}

it.skipIf(noOpenssl)('a certificate that nobody vouches for is not accepted', async () => {
  const [plain, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const tiers = open(await withTls(plain, certify(tlsFolder(), 'localhost')), secondary.url)
  await works(tiers)
  expect(await reasonOf(tiers)).toMatch(/certificate is not trusted/)
})

it.skipIf(noOpenssl)('a certificate that has expired is not accepted; control: one that has not is', async () => {
  const dir = tlsFolder()
  const authority = certify(dir, 'authority')
  const issue = (name: string, days: number): ReturnType<typeof certify> => {
    const [key, request, certificate] = [join(dir, `${name}.key`), join(dir, `${name}.csr`), join(dir, `${name}.pem`)]
    const asked = ['-subj', '/CN=server', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', request]
    openssl('req', '-new', '-newkey', 'rsa:2048', '-nodes', ...asked)
    const by = ['-CA', authority.certificate, '-CAkey', authority.key, '-CAcreateserial']
    openssl('x509', '-req', '-in', request, ...by, '-copy_extensions', 'copy', '-days', `${days}`, '-out', certificate)
    return { key, certificate }
  }
  const [plain, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const file = fileURLToPath(new URL('health-process.ts', import.meta.url))
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: authority.certificate }
  const seenBy = async (certificate: ReturnType<typeof certify>): Promise<string | undefined> => {
    const folder = mkdtempSync(join(dir, 'folder-'))
    const url = await withTls(plain, certificate)
    // Authorities are read as a process starts.
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', file, url, secondary.url, folder],
      { env },
    )
    return /<(.*)>/.exec(stdout)?.[1]
  }
  expect(await seenBy(issue('expired', -1))).toBe('down its TLS certificate has expired')
  expect(await seenBy(issue('valid', 2))).toMatch(/^up/)
})

it('a value that one of two servers would refuse as too large is refused by both, away or not', async () => {
  const [primary, secondary] = await Promise.all([
    startTestRedis({ args: ['--proto-max-bulk-len', '1mb'] }),
    startTestRedis(),
  ])
  const tiers = open(primary.url, secondary.url)
  const { cache, health } = tiers
  const orders = { category: 'orders' }
  // Within our limit, and in its envelope above the server's.
  const refuses = (): Promise<void> =>
    expect(cache.set('huge', 'x'.repeat(1024 * 1024 - 10), orders)).rejects.toMatchObject({
      code: 'CACHE_TOO_LARGE',
      message: expect.stringContaining('proto-max-bulk-len'),
      applied: 'no',
    })
  const falls: string[] = []
  const off = tiers.on('instance:state', ({ name, state }) => {
    if (state === 'down') falls.push(name)
  })
  await cache.set('huge', 'small', orders)
  await refuses()
  await primary.crash()
  await until('it is known to be away', () => health().instances[0]?.state === 'down')
  await refuses()
  expect(await cache.get('huge', orders)).toBe('small')
  await cache.set('after', 'x', orders)
  await primary.restart()
  await until('it serves', () => health().status === 'ok', 20_000)
  expect(health().instances[0]?.journal).toEqual({ entries: 0, bytes: 0 })
  expect(await cache.get('after', orders)).toBe('x')
  await refuses()
  // What was there before it still is, on both.
  const clients = [primary, secondary].map(({ url }) => new Redis(url))
  ends.push(async () => clients.map((client) => client.disconnect()))
  const keys = ['orders:huge', '~mr:mirror:primary:orders:huge']
  const texts = await Promise.all(clients.map((client, i) => client.get(keys[i] ?? '')))
  for (const text of texts) expect(JSON.parse(text ?? '')).toMatchObject({ value: 'small' })
  off()
  // Nor did any refusal cost the instance its connection.
  expect(falls).toEqual(['primary'])
  expect(health().instances[0]).toMatchObject({ state: 'up', journal: { entries: 0 } })
})
