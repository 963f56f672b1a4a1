import { injection } from './injected.js'
import { withCache } from './middleware.js'

/*
 * Stands in for the step file (see preload.cts): hands the runner the step's own handler, and its config with one
 * middleware in front. Adding it here is the only way for event and cron steps too: the runner reads the middleware,
 * while Motia's own check of their config, which forbids it, looks at the step file itself.
 */
interface StepModule {
  readonly handler?: unknown
  readonly config?: { readonly middleware?: unknown }
  readonly default?: { readonly handler?: unknown; readonly config?: { readonly middleware?: unknown } }
}

const { file, url } = injection
process.argv[2] = file

const step = (await import(url())) as StepModule

export const handler = step.handler || step.default?.handler
if (typeof handler !== 'function') throw new Error(`Function handler not found in module ${file}`)

const own = step.config || step.default?.config || {}
export const config = {
  ...own,
  middleware: [withCache, ...(Array.isArray(own.middleware) ? own.middleware : [])],
}
