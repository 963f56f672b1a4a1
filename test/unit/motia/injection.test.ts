import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { installInjection, runnerProblem, withPreload } from '../../../src/motia/plugin/injection.ts'
import { createPlugin } from '../../../src/motia/plugin/plugin.ts'
import { createRegistration } from '../../../src/motia/plugin/registration.ts'
import { CALL, HOST_MARKER, REPLY } from '../../../src/motia/step/protocol.ts'
import { until } from '../../support/until.ts'
import { createMemoryEngine } from './memory-engine.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'motia redis "injection" '))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const collect = () => {
  const warnings: string[] = []
  return {
    warnings,
    report: { info: () => undefined, warn: (line: string) => void warnings.push(line), error: () => undefined },
  }
}

const routes = {
  metrics: () => Promise.reject(new Error('not asked here')),
  sight: () => Promise.reject(new Error('not asked here')),
  panel: 'on',
  production: false,
  token: undefined,
  publicMetrics: false,
  report: { info: () => undefined, warn: () => undefined, error: () => undefined },
} as const
const categoryOf = () => 'cache'

describe('NODE_OPTIONS', () => {
  it("keeps the user's own in front and is the same a second time", () => {
    const option = fc.constantFrom(
      '--inspect',
      '--max-old-space-size=512',
      '--import=file:///own.mjs',
      '--trace-warnings',
    )
    const paths = fc.constantFrom('/a/preload.cjs', '/a b/preload.cjs', 'C:\\a b\\preload.cjs')
    fc.assert(
      fc.property(fc.array(option), paths, (own, path) => {
        const text = own.join(' ')
        const once = withPreload(text, path)
        expect(once.startsWith([...own, '--require='].join(' '))).toBe(true)
        expect(withPreload(once, path)).toBe(once)
        expect(withPreload(`${once} --inspect`, path)).toBe(`${once} --inspect`)
      }),
    )
    expect(withPreload(undefined, '/p.cjs')).toBe('--require=/p.cjs')
  })

  it.each(['preload.cjs', 'pre load.cjs', 'pre "load".cjs', 'pre \\ load.cjs', 'pre\\load.cjs'])(
    'works in node with the path %s',
    (name) => {
      const preload = join(folder, name)
      writeFileSync(preload, 'globalThis.preloaded = true')
      const NODE_OPTIONS = withPreload('--max-old-space-size=512', preload)
      const said = execFileSync(process.execPath, ['-p', 'globalThis.preloaded'], {
        env: { ...process.env, NODE_OPTIONS },
      })
      expect(said.toString().trim()).toBe('true')
    },
  )
})

describe('the installed injection', () => {
  const preload = '/preload.cjs'
  const motia = join(root, 'node_modules', 'motia', 'dist')

  it('marks the children and adds the preload', () => {
    const { warnings, report } = collect()
    const env: Record<string, string | undefined> = { NODE_OPTIONS: '--inspect' }
    expect(installInjection({ env, inject: true, preload, report, from: [motia] })).toBe(true)
    expect(env).toEqual({ [HOST_MARKER]: '1', NODE_OPTIONS: '--inspect --require=/preload.cjs' })
    expect(warnings).toEqual([])
  })

  it('switched off leaves NODE_OPTIONS alone; the host is announced all the same', () => {
    const { warnings, report } = collect()
    const env: Record<string, string | undefined> = {}
    expect(installInjection({ env, inject: false, preload, report, from: [motia] })).toBe(false)
    expect(env).toEqual({ [HOST_MARKER]: '1' })
    expect(warnings).toEqual([])
  })

  it('says in one line that an unknown Motia can not be injected into, and leaves NODE_OPTIONS alone', () => {
    const { warnings, report } = collect()
    const env: Record<string, string | undefined> = {}
    expect(installInjection({ env, inject: true, preload, report, from: [folder] })).toBe(false)
    expect(env).toEqual({ [HOST_MARKER]: '1' })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/context\.cache is not in steps: .*not found.*motia-redis\/step/)
  })
})

describe("Motia's runner", () => {
  const motiaIn = (name: string, text: string): string => {
    const file = join(folder, name, 'node_modules/@motiadev/core/dist/src/node/node-runner.mjs')
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    return join(folder, name, 'node_modules', 'motia', 'dist')
  }

  it('is found above the running script, and known', () => {
    expect(runnerProblem([join(root, 'node_modules', 'motia', 'dist')])).toBeUndefined()
    expect(runnerProblem([folder, join(root, 'test')])).toBeUndefined()
  })

  it('that runs steps in another way is told', () => {
    expect(runnerProblem([motiaIn('other', 'await run(process.argv)')])).toMatch(/unknown way/)
    expect(runnerProblem([motiaIn('same', 'process.argv; m.handler; c.middleware')])).toBeUndefined()
  })
})

describe('half a registration', () => {
  it('plugin without adapter is said once', () => {
    const { warnings, report } = collect()
    const registration = createRegistration(report)
    registration.pluginBuilt(false)
    registration.pluginBuilt(false)
    expect(warnings).toEqual([expect.stringContaining('adapters: { state: tiers.state }')])
  })

  it('adapter without plugin is said once, after a while', async () => {
    const { warnings, report } = collect()
    const registration = createRegistration(report, 20)
    registration.adapterUsed()
    registration.adapterUsed()
    expect(warnings).toEqual([])
    await until('the line', () => warnings.length > 0)
    expect(warnings).toEqual([expect.stringContaining('plugins: [tiers.plugin]')])
  })

  it('after close nothing is said', async () => {
    const { warnings, report } = collect()
    const used = createRegistration(report, 5)
    used.adapterUsed()
    used.close()
    const closed = createRegistration(report, 5)
    closed.close()
    closed.adapterUsed()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(warnings).toEqual([])
  })

  it('closing the plugin ends the wait for it', async () => {
    const { warnings, report } = collect()
    const registration = createRegistration(report, 5)
    const engine = async () => Promise.reject(new Error('not opened here'))
    const plugin = createPlugin({
      engine,
      inject: false,
      report,
      registration,
      routes,
      categoryOf,
      built: () => undefined,
    })
    registration.adapterUsed()
    plugin.close()
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(warnings).toEqual([])
  })

  it('both are said nothing about', async () => {
    const { warnings, report } = collect()
    const registration = createRegistration(report, 5)
    registration.adapterUsed()
    registration.pluginBuilt(true)
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(warnings).toEqual([])
  })
})

describe('a plugin that is listed twice', () => {
  it('serves all the same, from the last one built', async () => {
    const { report } = collect()
    const { engine } = createMemoryEngine()
    const registration = createRegistration(report, 5)
    const parts = { inject: false, report, registration, routes, categoryOf, built: () => undefined }
    const plugin = createPlugin({ ...parts, engine: async () => engine })
    const added: string[] = []
    const motia = {
      state: undefined,
      lockedData: { activeSteps: [], baseDir: folder },
      printer: { printPluginError: () => undefined },
      registerApi: ({ path }: { path: string }) => {
        added.push(path)
        return () => void added.splice(added.indexOf(path), 1)
      },
    }
    plugin(motia as unknown as Parameters<typeof plugin>[0])
    plugin(motia as unknown as Parameters<typeof plugin>[0])

    const file = join(folder, 'node-runner.mjs')
    const call = { type: CALL, id: 1, op: 'has', args: [{ category: 'cache', key: 'k' }] }
    writeFileSync(
      file,
      `process.on('message', (reply) => process.send({ reply })); process.send(${JSON.stringify(call)})`,
    )
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    const replies: unknown[] = []
    child.on('message', (message: { reply?: unknown }) => message.reply && replies.push(message.reply))
    await until('its call is answered', () => replies.length > 0)
    child.kill('SIGKILL')
    expect(added).toEqual(['metrics', ':view', 'change'].map((path) => `/__motia/redis/${path}`))
    plugin.close()
    expect(added).toEqual([])
    expect(replies).toEqual([{ type: REPLY, id: 1, value: false }])
  })
})
