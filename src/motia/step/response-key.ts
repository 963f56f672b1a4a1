import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ApiRequest } from 'motia'
import type { ResponseOptions } from './response-options.js'

/** Keys have 512 bytes; what the headers add takes less than the rest. */
const LONGEST = 400

interface StepConfig {
  readonly method?: unknown
  readonly path?: unknown
}
type Asked = Pick<ApiRequest, 'pathParams' | 'queryParams' | 'headers'>

/** The key of what this process's step answers to the request; undefined where that can't be kept. */
export const keyOfRequest = async (request: Asked, { key, vary }: ResponseOptions): Promise<string | undefined> => {
  const { method, path } = await ownConfig()
  if ((method !== 'GET' && method !== 'HEAD') || typeof path !== 'string') return undefined
  const begin =
    key === undefined ? await responseKey(method, path, request) : await chosenKey(method, path, key(request))
  return begin === undefined || vary.length === 0 ? begin : `${begin} ${await headersKey(request, vary)}`
}

export const responseKey = async (
  method: string,
  path: string,
  { pathParams, queryParams }: Pick<Asked, 'pathParams' | 'queryParams'>,
): Promise<string | undefined> => {
  const pairs: [string, string][] = []
  for (const [prefix, params] of [
    [':', pathParams],
    ['', queryParams],
  ] as const) {
    for (const [name, value] of Object.entries(params ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const one of Array.isArray(value) ? value : [value]) {
        if (typeof one !== 'string') return undefined // a[b]=c becomes an object
        pairs.push([prefix + name, one])
      }
    }
  }
  return fitting(method, `${method} ${path}${pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`}`)
}

/** Two steps of one category may well choose the same text; so method and path stay. */
const chosenKey = async (method: string, path: string, chosen: unknown): Promise<string | undefined> =>
  typeof chosen === 'string' ? fitting(method, `${method} ${path} ${chosen}`) : undefined

const fitting = async (method: string, key: string): Promise<string> =>
  Buffer.byteLength(key) <= LONGEST ? key : `${method} ${await digest(key)}`

/** Only a digest: what is in a header may be a secret, and a key is shown and logged. */
const headersKey = ({ headers }: Asked, vary: readonly string[]): Promise<string> =>
  digest(JSON.stringify(vary.map((name) => [name, headers[name] ?? null])))

export const digest = async (content: string | Buffer): Promise<string> => {
  // Loading it costs a step some ms, and most answers from the cache don't need it.
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(content).digest('base64url')
}

/** The request doesn't say its method and path; the step file does, and it is loaded already. */
const ownConfig = async (): Promise<StepConfig> => {
  const file = process.argv[2]
  if (file === undefined) return {}
  const step = (await import(pathToFileURL(resolve(file)).href)) as {
    readonly config?: StepConfig
    readonly default?: { readonly config?: StepConfig }
  }
  return step.config ?? step.default?.config ?? {}
}
