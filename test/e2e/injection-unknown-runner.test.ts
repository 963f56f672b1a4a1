import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { copyApp, type MotiaApp, startMotia } from '../support/motia-app.ts'
import { startTestRedis } from '../support/redis-server.ts'

const fixture = fileURLToPath(new URL('../fixtures/injection', import.meta.url))
const runnerFile = 'node_modules/@motiadev/core/dist/src/node/node-runner.mjs'

/** Takes the place of a link in the app's packages, so that what is changed there is this app's own. */
const ownPackages = (dir: string): void => {
  const modules = join(dir, 'node_modules')
  const scope = join(modules, '@motiadev')
  const [motia, shared] = [realpathSync(join(modules, 'motia')), realpathSync(scope)]
  rmSync(join(modules, 'motia'))
  cpSync(motia, join(modules, 'motia'), { recursive: true })
  rmSync(scope)
  mkdirSync(scope)
  for (const name of readdirSync(shared))
    if (name === 'core') cpSync(join(shared, name), join(scope, name), { recursive: true })
    else symlinkSync(join(shared, name), join(scope, name))
}

describe('A Motia whose runner knows no middleware, as a later one might not', () => {
  let copy: ReturnType<typeof copyApp>
  let app: MotiaApp
  beforeAll(async () => {
    copy = copyApp(fixture)
    ownPackages(copy.dir)
    const runner = join(copy.dir, runnerFile)
    const text = readFileSync(runner, 'utf8')
    const changed = text.replace(/composeMiddleware\(\.\.\.[^;]*;/, 'composeMiddleware();')
    expect(changed).not.toBe(text)
    writeFileSync(runner, changed)
    const { url } = await startTestRedis()
    app = await startMotia({
      dir: copy.dir,
      env: { REDIS_PRIMARY_URL: url },
      cli: join(copy.dir, 'node_modules', 'motia', 'dist', 'cli.mjs'),
    })
  })
  afterAll(async () => {
    await app?.stop()
    copy?.remove()
  })

  it('runs its steps as without us, with the cache by import; what is missing is said once, with what to write', async () => {
    const facts = await app.json<{ seen: unknown[]; options: unknown }>('/imports')
    expect(facts.seen).toEqual(['no context.cache', 'import', 'import', null])
    expect(facts.options).toBeNull()
    const said = app
      .output()
      .split('\n')
      .filter((line) => line.includes('context.cache'))
    expect(said).toEqual([
      expect.stringMatching(
        /motia-redis {2}context\.cache is not in steps: this version of Motia runs steps in an unknown way; write import \{ cache \} from 'motia-redis\/step' instead$/,
      ),
    ])
  })
})
