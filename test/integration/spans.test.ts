import { trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { expect, it, onTestFinished } from 'vitest'
import { createCacheClient } from '../../src/cache/client.ts'
import { createEmitter } from '../../src/events.ts'
import { openTiers } from '../../src/open.ts'
import { readSettings } from '../../src/settings/read-settings.ts'
import { testFolder } from '../support/folder.ts'
import { startTestRedis } from '../support/redis-server.ts'
import { until } from '../support/until.ts'

const report = { info: () => undefined, warn: () => undefined, error: () => undefined }

it('calls are traced where they are served, also when that changes', async () => {
  const exporter = new InMemorySpanExporter()
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  onTestFinished(() => trace.disable())
  const [primary, secondary] = await Promise.all([startTestRedis(), startTestRedis()])
  const env = {
    REDIS_PRIMARY_URL: primary.url,
    REDIS_SECONDARY_URL: secondary.url,
    MOTIA_REDIS_DIR: testFolder(),
  }
  const settings = readSettings({ categories: { menu: { l1: false } } }, { env, baseDir: '.', production: false })
  const tiers = openTiers(settings, { report, events: createEmitter(report) })
  onTestFinished(() => tiers.close())
  await tiers.start()
  const step = tiers.engineFor({ step: 'GetMenu', traceId: 'T-1' })
  const menu = createCacheClient(step).category('menu')
  const last = () => exporter.getFinishedSpans().at(-1)?.attributes
  await until('calls are traced', async () => {
    await menu.set('private', 'private')
    return last() !== undefined
  })
  expect(await menu.get('private')).toBe('private')
  expect(last()).toMatchObject({
    ...{ 'motia_redis.instance': 'secondary', 'server.port': secondary.port, 'motia_redis.outcome': 'hit' },
    ...{ 'motia.step': 'GetMenu', 'motia.trace_id': 'T-1' },
  })
  tiers.drill('secondary', 60_000)
  await until('it is served elsewhere', async () => {
    await menu.get('private')
    return last()?.['motia_redis.instance'] === 'primary'
  })
  expect(last()).toMatchObject({ 'server.port': primary.port })
  expect(JSON.stringify(exporter.getFinishedSpans().map(({ name, attributes }) => [name, attributes]))).not.toMatch(
    /private/,
  )
})
