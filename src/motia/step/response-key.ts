import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ApiRequest } from 'motia'

/** Keys have 512 bytes. */
const LONGEST = 400

interface StepConfig {
  readonly method?: unknown
  readonly path?: unknown
}

/** One key per answer of this process's step, or undefined where its answers can't be kept. */
export const defaultKey = async (
  request: Pick<ApiRequest, 'pathParams' | 'queryParams'>,
): Promise<string | undefined> => {
  const { method, path } = await ownConfig()
  if ((method !== 'GET' && method !== 'HEAD') || typeof path !== 'string') return undefined
  return responseKey(method, path, request)
}

export const responseKey = async (
  method: string,
  path: string,
  { pathParams, queryParams }: Pick<ApiRequest, 'pathParams' | 'queryParams'>,
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
  const key = `${method} ${path}${pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`}`
  if (Buffer.byteLength(key) <= LONGEST) return key
  const { createHash } = await import('node:crypto')
  return `${method} ${createHash('sha256').update(key).digest('base64url')}`
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
