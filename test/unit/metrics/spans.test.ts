import { AsyncLocalStorage } from 'node:async_hooks'
import * as api from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, expect, it } from 'vitest'
import { createCacheClient } from '../../../src/cache/client.ts'
import type { CacheEngine } from '../../../src/cache/engine.ts'
import { cacheError } from '../../../src/errors.ts'
import { measureEngine } from '../../../src/metrics/measured-engine.ts'
import { createMeters } from '../../../src/metrics/meters.ts'
import { createTargets } from '../../../src/metrics/span-targets.ts'
import { type Caller, createSpans, type SpansParts } from '../../../src/metrics/spans.ts'
import { readSettings } from '../../../src/settings/read-settings.ts'
import { createMemoryEngine } from '../motia/memory-engine.ts'

const env = {
  REDIS_PRIMARY_URL: 'redis://someone:the-password@db.example:7000/2',
  REDIS_SECONDARY_URL: 'redis://db.example:7001',
}
const settings = readSettings({ categories: { menu: {} } }, { env, baseDir: '.', production: false })

const open = async (parts: Partial<SpansParts> = {}) => {
  const warnings: string[] = []
  const report = { info: () => undefined, warn: (line: string) => void warnings.push(line), error: () => undefined }
  const served = { by: 'secondary' as string | undefined }
  const spans = createSpans({ report, targetOf: createTargets(settings, () => served.by), ...parts })
  await spans.ready
  const { engine } = createMemoryEngine()
  const meters = createMeters(settings, () => 0)
  const measured = (of: CacheEngine, caller?: Caller) => measureEngine(of, meters, () => 0, spans.of(caller))
  const clientFor = (caller?: Caller) => createCacheClient(measured(engine, caller))
  return { spans, engine, measured, cache: clientFor(), clientFor, served, warnings }
}

/** What an app sets up. */
const trace = () => {
  const exporter = new InMemorySpanExporter()
  const stored = new AsyncLocalStorage<api.Context>()
  api.context.setGlobalContextManager({
    active: () => stored.getStore() ?? api.ROOT_CONTEXT,
    with: (context, call, self, ...args) => stored.run(context, () => call.apply(self, args)),
    bind: (_, target) => target,
    enable() {
      return this
    },
    disable() {
      return this
    },
  })
  api.trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  return () => exporter.getFinishedSpans()
}
afterEach(() => {
  api.trace.disable()
  api.context.disable()
})

it('an invalidation in all categories is one of none of them', async () => {
  const asked: string[] = []
  const inferCategory = (key: string): 'menu' => {
    asked.push(key)
    return 'menu'
  }
  const options = { inferCategory, categories: { menu: {}, all: {} } }
  const named = readSettings(options, { env, baseDir: '.', production: false })
  const meters = createMeters(named, () => 0)
  const report = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const spans = createSpans({ report, targetOf: createTargets(named, () => 'primary') })
  await spans.ready
  const finished = trace()
  const { engine } = createMemoryEngine()
  const cache = createCacheClient(measureEngine(engine, meters, () => 0, spans.of(undefined)))
  await cache.invalidateTags(['a'])
  await cache.invalidateTags(['a'], { category: 'menu' })
  expect(asked).toEqual([])
  expect([...meters.all().keys()]).toEqual(['all', 'menu'])
  expect(finished().map(({ name, attributes }) => [name, attributes['motia_redis.instance']])).toEqual([
    ['invalidateTags all', undefined],
    ['invalidateTags menu', 'primary'],
  ])
})

it('each call is a span, named by the conventions for databases', async () => {
  const { cache } = await open()
  const finished = trace()
  await cache.set('private-key', 'private-value', { category: 'menu' })
  await cache.get('private-key', { category: 'menu' })
  await cache.get('nothing', { category: 'menu' })
  await cache.getMany(['private-key', 'nothing'], { category: 'menu' })
  await cache.getOrSet('other', () => 1, { category: 'menu' })
  const spans = finished()
  expect(spans.map(({ name }) => name)).toEqual(['set menu', 'get menu', 'get menu', 'getMany menu', 'getOrSet menu'])
  expect(spans.every(({ kind }) => kind === api.SpanKind.CLIENT)).toBe(true)
  expect(spans[1]?.attributes).toEqual({
    'db.system.name': 'redis',
    'db.operation.name': 'get',
    'db.namespace': '0',
    'server.address': 'db.example',
    'server.port': 7001,
    'motia_redis.category': 'menu',
    'motia_redis.instance': 'secondary',
    'motia_redis.outcome': 'hit',
  })
  const outcomes = spans.map(({ attributes }) => attributes['motia_redis.outcome'])
  expect(outcomes).toEqual([undefined, 'hit', 'miss', 'partial', 'miss'])
  expect(spans[3]?.attributes['db.operation.batch.size']).toBe(2)
  const seen = JSON.stringify(spans.map(({ name, attributes, status, events }) => [name, attributes, status, events]))
  expect(seen).not.toMatch(/private|the-password|someone/)
})

it('says where it is served, as long as anybody does', async () => {
  const { cache, served } = await open()
  const finished = trace()
  served.by = 'primary'
  await cache.get('a', { category: 'menu' })
  served.by = 'embedded'
  await cache.get('a', { category: 'menu' })
  served.by = 'motia-state'
  await cache.get('a', { category: 'menu' })
  served.by = undefined
  await cache.get('a', { category: 'menu' })
  await cache.get('a', { category: 'made-up' })
  expect(
    finished().map(({ name, attributes }) => [
      ...[name, attributes['db.system.name'], attributes['motia_redis.instance']],
      ...[attributes['server.port'], attributes['db.namespace']],
    ]),
  ).toEqual([
    ['get menu', 'redis', 'primary', 7000, '2'],
    ['get menu', 'embedded', 'embedded', undefined, undefined],
    ['get menu', 'motia-state', 'motia-state', undefined, undefined],
    ['get menu', 'redis', undefined, undefined, undefined],
    ['get unlisted', 'redis', undefined, undefined, undefined],
  ])
})

it('a failure is one, by its code and without its text', async () => {
  const { engine, measured } = await open()
  const finished = trace()
  const error = cacheError('CACHE_TIMEOUT', 'private', { category: 'menu', operation: 'get' })
  const failing = measured({ ...engine, get: () => Promise.reject(error) })
  await expect(failing.get({ category: 'menu', key: 'a' })).rejects.toBe(error)
  const [span] = finished()
  expect(span?.attributes['error.type']).toBe('CACHE_TIMEOUT')
  expect(span?.status).toEqual({ code: api.SpanStatusCode.ERROR })
  expect(span?.events).toEqual([])
})

it('is below what is active, and bears whose call it is', async () => {
  const { cache, clientFor } = await open()
  const finished = trace()
  const tracer = api.trace.getTracer('app')
  await tracer.startActiveSpan('request', async (parent) => {
    await cache.get('a', { category: 'menu' })
    parent.end()
  })
  await clientFor({ step: 'GetMenu', traceId: 'T-1' }).get('a', { category: 'menu' })
  const [call, request, fromStep] = finished()
  expect(call?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
  expect(fromStep?.parentSpanContext).toBeUndefined()
  expect(fromStep?.attributes).toMatchObject({ 'motia.step': 'GetMenu', 'motia.trace_id': 'T-1' })
})

it('without a tracer there is nothing, until there is one', async () => {
  const { spans, cache } = await open()
  expect(spans.on()).toBe(false)
  expect(spans.of(undefined)('get', 'menu', 'a')).toBeUndefined()
  await cache.get('a', { category: 'menu' })
  const finished = trace()
  expect(spans.on()).toBe(true)
  await cache.get('a', { category: 'menu' })
  expect(finished()).toHaveLength(1)
})

it('without OpenTelemetry nothing is said; where it is broken that is', async () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error('text'), { code }))
  const absent = await open({ load: failing('ERR_MODULE_NOT_FOUND') })
  await absent.cache.get('a', { category: 'menu' })
  expect([absent.spans.on(), absent.warnings]).toEqual([false, []])
  const broken = await open({ load: failing('ERR_DLOPEN_FAILED') })
  expect(broken.warnings).toEqual(['no spans: @opentelemetry/api could not be loaded (ERR_DLOPEN_FAILED)'])
})
