import { fileURLToPath } from 'node:url'
import type { MotiaPluginBuilder } from 'motia'
import type { CacheEngine } from '../../cache/engine.js'
import type { OtherState } from '../../failover/stand-in/state-resort.js'
import type { Caller } from '../../metrics/spans.js'
import type { Report } from '../../report.js'
import { isState } from '../adapter/other-state.js'
import { brandOf } from '../adapter/state-adapter.js'
import { CLIENT_CODE } from '../step/protocol.js'
import { writeClientCode } from './client-code.js'
import { installInjection } from './injection.js'
import type { Registration } from './registration.js'
import { addRoutes, type RouteParts } from './routes/routes.js'
import { stepName } from './runs/step-names.js'
import { createWorkflows } from './runs/workflows.js'
import { onStepProcess } from './spawned.js'
import { createStepHost, type StepHost } from './step-host.js'
import { hasWorkbench, workbenchPanel } from './workbench-panel.js'

export interface PluginParts {
  /** Opened when the first call of a step arrives. */
  readonly engine: (caller?: Caller) => Promise<CacheEngine>
  /** Whether context.cache goes into steps (MOTIA_REDIS_INJECT). */
  readonly inject: boolean
  readonly report: Report
  /**
   * Called when Motia builds the plugin: the time to connect. `injected`: context.cache will be in every step; `tab`:
   * the name of ours in the Workbench, if it is there. `ownState`: Motia's state adapter is ours; `other`: the one that
   * the app has instead, if it can be used for more.
   */
  readonly built: (plugin: {
    readonly injected: boolean
    readonly tab: string | undefined
    readonly ownState: boolean
    readonly other: OtherState | undefined
  }) => void
  readonly registration: Registration
  readonly routes: Omit<RouteParts, 'workflows'>
  /** The category of a key whose call names none. */
  readonly categoryOf: (key: string) => string
}

const slot = Symbol.for('motia-redis.step-host')
type Slot = { [slot]?: () => void }

/**
 * Motia's plugin: the host side of the step channel, and context.cache in every step. Never throws: Motia would end
 * without a word. After `close` each call of a step is answered with CACHE_CLOSED.
 */
export const createPlugin = (parts: PluginParts): MotiaPluginBuilder & { close(): void } => {
  let host: StepHost | undefined
  let removeRoutes: (() => void) | undefined
  const workflows = createWorkflows()

  const start = (steps: Parameters<typeof stepName>[0]): boolean => {
    // Two hosts would both answer: where a plugin is listed twice, the last one serves.
    const shared = globalThis as Slot
    shared[slot]?.()
    const mine = createStepHost({
      ...parts,
      begun: ({ file, traceId }) => workflows.begin({ step: stepName(steps, file), traceId }),
    })
    const stop = onStepProcess(mine.attach)
    shared[slot] = () => {
      stop()
      mine.close()
    }
    host = mine
    const preload = fileURLToPath(new URL('./preload.cjs', import.meta.url))
    const injected = installInjection({ env: process.env, inject: parts.inject, preload, report: parts.report })
    if (injected) hastenClient(fileURLToPath(new URL('./client.cjs', import.meta.url)))
    return injected
  }
  const hastenClient = (client: string): void => {
    writeClientCode(client).then(
      (path) => {
        process.env[CLIENT_CODE] = path
      },
      () => undefined, // then steps load the client as it is, only slower
    )
  }
  const build: MotiaPluginBuilder = (motia) => {
    const shown = parts.routes.panel !== 'off' && hasWorkbench(process.env, process.argv)
    const workbench = shown ? workbenchPanel() : []
    try {
      const injected = start(motia.lockedData)
      removeRoutes?.()
      removeRoutes = addRoutes(motia.registerApi, { ...parts.routes, workflows: workflows.view })
      const ownState = brandOf(motia.state) !== undefined
      parts.registration.pluginBuilt(ownState)
      const other = !ownState && isState(motia.state) ? motia.state : undefined
      parts.built({ injected, tab: workbench[0]?.label, ownState, other })
    } catch (error) {
      motia.printer.printPluginError('motia-redis could not start:', error)
    }
    return { workbench }
  }
  return Object.assign(build, {
    close: () => {
      parts.registration.close()
      removeRoutes?.()
      host?.close()
    },
  })
}
