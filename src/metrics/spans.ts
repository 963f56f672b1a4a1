import type * as OpenTelemetry from '@opentelemetry/api'
import type { Attributes, Span, Tracer } from '@opentelemetry/api'
import { isCacheError } from '../errors.js'
import type { Report } from '../report.js'
import { version } from '../version.js'
import type { Operation } from './category-meter.js'
import type { Named } from './meters.js'

/** On whose behalf a call is made, where it is a step's. */
export interface Caller {
  readonly step: string
  readonly traceId: string | undefined
}

/** Where a call goes, as far as that is known when it begins. */
export interface Target {
  /** One that the configuration names, 'unlisted', or 'all'. */
  readonly category: string
  /** An instance's name, 'embedded', 'motia-state'; undefined: nobody serves it now. */
  readonly servedBy: string | undefined
  /** Of a Redis. */
  readonly server: { readonly address: string; readonly port: number; readonly database: string } | undefined
}

/** A call that is traced. */
export interface CallSpan {
  /** What it opens itself has this as parent. */
  run<T>(call: () => Promise<T>): Promise<T>
  /** `keys`: how many it named, where these may be several. */
  ended(outcome: string | undefined, keys: number | undefined): void
  failed(error: unknown): void
}

/** Undefined: nobody traces. */
export type BeginSpan = (operation: Operation, category: Named, key: string) => CallSpan | undefined

export interface Spans {
  /** Whether the app has a tracer now. */
  readonly on: () => boolean
  of(caller: Caller | undefined): BeginSpan
  /** Resolves when it is known whether there is OpenTelemetry. Never rejects. */
  readonly ready: Promise<void>
}

type Api = typeof OpenTelemetry
export interface SpansParts {
  readonly report: Report
  targetOf(category: Named, key: string): Target
  /** For tests. @default import() */
  readonly load?: () => Promise<Api>
}

/**
 * A span for each cache call, where the app has OpenTelemetry and a tracer in it; nothing of it is loaded or counted
 * otherwise. Named after OTel's conventions for databases. Never a key, a value, or anything of a URL but host, port
 * and database.
 */
export const createSpans = ({ report, targetOf, load = () => import('@opentelemetry/api') }: SpansParts): Spans => {
  let api: Api | undefined
  let known: { readonly provider: OpenTelemetry.TracerProvider; readonly tracer: Tracer } | undefined

  const ready = load().then(
    (loaded) => {
      api = loaded
    },
    (error) => {
      if (codeOf(error) === 'ERR_MODULE_NOT_FOUND') return // the app has none
      report.warn(`no spans: @opentelemetry/api could not be loaded (${codeOf(error) ?? 'unknown reason'})`)
    },
  )

  const tracer = (): Tracer | undefined => {
    if (api === undefined) return undefined
    const provider = api.trace.getTracerProvider()
    if (known?.provider === provider) return known.tracer
    // A provider that stands for one which may be registered later has none behind it so far.
    const found = isProxy(provider)
      ? provider.getDelegateTracer('motia-redis', version)
      : provider.getTracer('motia-redis', version)
    if (found !== undefined) known = { provider, tracer: found }
    return found
  }

  const begin =
    (caller: Caller | undefined): BeginSpan =>
    (operation, category, key) => {
      const tracing = tracer()
      if (tracing === undefined || api === undefined) return undefined
      const target = targetOf(category, key)
      const attributes = { ...describe(operation, target), ...(caller && describeCaller(caller)) }
      const span = tracing.startSpan(`${operation} ${target.category}`, { kind: api.SpanKind.CLIENT, attributes })
      return callSpan(api, span)
    }
  return { on: () => tracer() !== undefined, of: begin, ready }
}

const callSpan = ({ context, trace, SpanStatusCode }: Api, span: Span): CallSpan => ({
  run: (call) => context.with(trace.setSpan(context.active(), span), call),
  ended: (outcome, keys) => {
    if (outcome !== undefined) span.setAttribute('motia_redis.outcome', outcome)
    if (keys !== undefined && keys > 1) span.setAttribute('db.operation.batch.size', keys)
    span.end()
  },
  failed: (error) => {
    // Its text stays here: that of a loader's own error may hold anything.
    span.setAttributes({ 'error.type': typeOf(error), 'motia_redis.outcome': 'error' })
    span.setStatus({ code: SpanStatusCode.ERROR })
    span.end()
  },
})

const describe = (operation: Operation, { category, servedBy, server }: Target): Attributes => ({
  'db.system.name': server !== undefined || servedBy === undefined ? 'redis' : elsewhere(servedBy),
  'db.operation.name': operation,
  'motia_redis.category': category,
  ...(servedBy !== undefined && { 'motia_redis.instance': servedBy }),
  ...(server && { 'server.address': server.address, 'server.port': server.port, 'db.namespace': server.database }),
})

/** Also an instance may lie in files of the server. */
const elsewhere = (servedBy: string): string => (servedBy === 'motia-state' ? servedBy : 'embedded')

/** No context crosses over to the server with a step's call: these tell whose it is. */
const describeCaller = ({ step, traceId }: Caller): Attributes => ({
  'motia.step': step,
  ...(traceId !== undefined && { 'motia.trace_id': traceId }),
})

type Proxy = Pick<OpenTelemetry.ProxyTracerProvider, 'getDelegateTracer'>
/** By shape: it may be of another copy of the API. */
const isProxy = (provider: object): provider is Proxy => 'getDelegateTracer' in provider

const typeOf = (error: unknown): string =>
  isCacheError(error) ? error.code : error instanceof Error ? error.name : typeof error

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
